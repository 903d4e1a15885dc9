internal import Launching
internal import StudyFiles
internal import System

/// The program that runs containers, podman or docker, and what it is asked beside that.
struct ContainerEngine: Sendable {
  /// The path of the program.
  let program: String
  /// The program and the options that stand before its verb.
  let words: [String]
  let isDocker: Bool

  /// How long it may take to answer; what it pulls may take longer.
  private static let patience: Duration = .seconds(60)
  private static let pullingTime: Duration = .seconds(3_600)

  /// The engine that the study file names, or the one that is there.
  ///
  /// - Parameter path: Folders, separated by colons.
  init(
    _ setting: ContainerSetting, from folder: String, searching path: String
  ) throws(ProgramError) {
    if let name = setting.engine.first {
      program = try ProgramError.find(name, from: folder, searching: path)
      words = [program] + setting.engine.dropFirst()
    } else if let podman = try? ProgramError.find("podman", from: folder, searching: path) {
      (program, words) = (podman, [podman])
    } else if let docker = try? ProgramError.find("docker", from: folder, searching: path) {
      (program, words) = (docker, [docker])
    } else {
      throw ProgramError(
        program: "podman", reason: "neither it nor docker is found on PATH; install one of them")
    }
    isDocker = program.split(separator: "/").last == "docker"
  }

  /// Has the image here, pulled if need be.
  ///
  /// - Throws: ``ProgramError`` with the engine's last words.
  func provide(_ image: String) throws(ProgramError) {
    do throws(LaunchError) {
      _ = try ask(["image", "inspect", "--format", "{{.Id}}", image])
    } catch {
      guard case .programFailed = error else { throw fault(error) }
      do throws(LaunchError) {
        _ = try ask(["pull", image], within: Self.pullingTime)
      } catch {
        throw ProgramError(
          program: program,
          reason: "it cannot provide the image '\(image)': \(Self.lastWords(error)); pull or build "
            + "it, or check its name")
      }
    }
  }

  private func fault(_ error: LaunchError) -> ProgramError {
    ProgramError(program: program, reason: Self.lastWords(error))
  }

  /// Ends and removes the containers that have all of these labels and meet the condition.
  ///
  /// - Parameter isLeft: Whether a container with that value of ``workerLabel`` is to go.
  /// - Returns: Why one may still be there, in the engine's words; nil when none is.
  func removeContainers(
    labelled labels: [String], where isLeft: (String) -> Bool = { _ in true }
  ) -> String? {
    var problem: String?
    do throws(LaunchError) {
      let list = try ask(["ps", "-aq"] + labels.flatMap { ["--filter", "label=\($0)"] })
      for container in list.split(whereSeparator: \.isWhitespace).map(String.init) {
        do throws(LaunchError) {
          let format = "{{index .Config.Labels \"\(Self.workerLabel)\"}}"
          let worker = try ask(["inspect", "--format", format, container])
          guard isLeft(worker.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? "")
          else { continue }
          problem = remove(container) ?? problem
        } catch {
          problem = Self.problem(of: error) ?? problem
        }
      }
    } catch {
      problem = Self.lastWords(error)
    }
    return problem
  }

  /// Ends and removes a container; why it may be there still, or nil.
  func remove(_ container: String) -> String? {
    do throws(LaunchError) {
      _ = try ask(["rm", "-f"] + (isDocker ? [] : ["-t", "0"]) + [container])
      return nil
    } catch {
      return Self.problem(of: error)
    }
  }

  /// Why the engine did not do something with a container; nil when the container is gone.
  private static func problem(of error: LaunchError) -> String? {
    let said = lastWords(error)
    let isGone = ["no such container", "no such object", "no container with name or id"].contains {
      said.lowercased().contains($0)
    }
    return isGone ? nil : said
  }

  private func ask(
    _ arguments: [String], within limit: Duration = ContainerEngine.patience
  ) throws(LaunchError) -> String {
    try Program.run(words + arguments, within: limit)
  }

  /// The last of what the engine said.
  private static func lastWords(_ error: LaunchError) -> String {
    guard case .programFailed(_, _, let message) = error else { return "\(error)" }
    guard let start = message.ranges(of: "Error: ").last?.lowerBound else { return message }
    return String(message[start...])
  }

  // MARK: Labels

  /// The study's folder of trials.
  static let studyLabel = "needletail.study"
  static let trialLabel = "needletail.trial"
  static let attemptLabel = "needletail.attempt"
  /// The process that runs the trial: ``worker``.
  static let workerLabel = "needletail.worker"

  /// This process, told from later ones of its number.
  static var worker: String {
    "\(getpid()):\(Processes.facts(of: getpid())?.start ?? 0)"
  }

  /// Whether the process is gone that a label names.
  static func isGone(_ worker: String) -> Bool {
    let parts = worker.split(separator: ":")
    guard parts.count == 2, let number = pid_t(parts[0]), let start = UInt64(parts[1]) else {
      return false
    }
    guard let facts = Processes.facts(of: number), !facts.hasEnded else { return true }
    return start != 0 && facts.start != start
  }
}
