/// What is known of a command that has workers started: how it takes a script, what it prints, and
/// how its jobs are looked at and cancelled.
package struct Scheduler: Sendable, Hashable {
  /// How the command takes what it is to run.
  enum Input: Sendable, Hashable {
    /// As the script on its standard input.
    case script
    /// As an HTCondor submit description on its standard input that names the script's file.
    case submitDescription
    /// As words of the command, in which `{script}` and `{folder}` stand for paths.
    case words
  }

  /// How a job's id is read from what the command prints.
  private enum Reading: Sendable, Hashable {
    /// What stands behind one of the texts.
    case behind([String])
    /// The same, or else the last line when it is one word.
    case behindOrLastLine([String])
    /// By the launch's `--job-id`.
    case elsewhere
  }

  /// The command and its options, `{script}` and `{folder}` not yet replaced.
  let words: [String]
  let input: Input
  /// The command that tells of a job, with `{id}` in it; nil when nothing does. A job is over when
  /// the command fails, prints nothing or prints one of ``endings``.
  let status: [String]?
  /// The command that cancels a job, with `{id}` in it.
  let cancel: [String]
  /// Words for a job that will not run any further, in small letters.
  let endings: [String]
  private let reading: Reading

  /// The command's name, for messages.
  package var name: String { words[0] }

  /// Recognizes a command by its first word; nil for one that runs as long as what it starts, as
  /// `srun` does.
  ///
  /// - Parameters:
  ///   - text: The command and its options.
  ///   - readsID: Whether the caller reads ids by an expression of its own.
  ///   - status: Instead of what is known.
  ///   - cancel: Instead of what is known.
  /// - Throws: ``LaunchError/openQuote(_:)``, ``LaunchError/noCommand``,
  ///   ``LaunchError/noPlaceForID(option:command:)``.
  package init?(
    _ text: String, readsID: Bool, status: String?, cancel: String?
  ) throws(LaunchError) {
    let given = try Self.commandWords(of: text)
    let status = try status.map { text throws(LaunchError) in try Self.words(of: text, "--status") }
    let cancel = try cancel.map { text throws(LaunchError) in try Self.words(of: text, "--cancel") }
    let known = Self.known(given)
    guard let cancel = cancel ?? known?.cancel, readsID || known != nil else { return nil }
    let hasScript = given.contains { $0.contains("{script}") || $0.contains("{folder}") }
    words = hasScript ? given : given + (known?.suffix ?? [])
    input = hasScript ? .words : known?.input ?? .script
    self.status = status ?? known?.status
    self.cancel = cancel
    endings = status == nil ? known?.endings ?? [] : []
    reading = readsID ? .elsewhere : known?.reading ?? .elsewhere
  }

  /// The words of a command that is to start workers.
  ///
  /// - Throws: ``LaunchError/openQuote(_:)``, ``LaunchError/noCommand``.
  package static func commandWords(of text: String) throws(LaunchError) -> [String] {
    let words = try ShellText.words(of: text)
    guard let first = words.first, !first.isEmpty else { throw .noCommand }
    return words
  }

  private static func words(of text: String, _ option: String) throws(LaunchError) -> [String] {
    let words = try commandWords(of: text)
    guard words.contains(where: { $0.contains("{id}") }) else {
      throw .noPlaceForID(option: option, command: text)
    }
    return words
  }

  // MARK: What is known

  private struct Known {
    var suffix: [String] = []
    var input = Input.script
    var reading: Reading
    var status: [String]
    var cancel: [String]
    var endings: [String] = []
  }

  private static func known(_ words: [String]) -> Known? {
    switch words[0].split(separator: "/").last {
    case "qsub":
      // Grid Engine and PBS have the command in common; ids tell them apart, see `status(of:)`.
      return Known(
        suffix: ["-S", "/bin/sh"], reading: .behindOrLastLine(["Your job ", "Your job-array "]),
        status: ["qstat", "-j", "{id}"], cancel: ["qdel", "{id}"],
        // Grid Engine keeps a job that it could not start, until its user removes it.
        endings: ["error reason"])
    case "bsub":
      return Known(
        reading: .behind(["Job <"]), status: ["bjobs", "-noheader", "-o", "stat", "{id}"],
        cancel: ["bkill", "{id}"], endings: ["done", "exit"])
    case "sbatch":
      return Known(
        reading: .behindOrLastLine(["Submitted batch job "]),
        status: ["squeue", "--noheader", "--states=all", "--format=%T", "--jobs={id}"],
        cancel: ["scancel", "{id}"], endings: SlurmFleet.ended.map { $0.lowercased() }.sorted())
    case "condor_submit":
      return Known(
        suffix: ["-"], input: .submitDescription, reading: .behind(["submitted to cluster "]),
        status: ["condor_q", "{id}", "-format", #"%d\n"#, "JobStatus"],
        // Removed and completed.
        cancel: ["condor_rm", "{id}"], endings: ["3", "4"])
    case "ray" where words.dropFirst().prefix(2) == ["job", "submit"]:
      let address = address(in: words)
      return Known(
        suffix: ["--no-wait", "--", "sh", "{script}"], input: .words, reading: .behind(["Job '"]),
        status: ["ray", "job", "status"] + address + ["{id}"],
        cancel: ["ray", "job", "stop", "--no-wait"] + address + ["{id}"],
        endings: ["succeeded", "failed", "stopped"])
    case "az" where words.dropFirst().prefix(3) == ["ml", "job", "create"]:
      return Known(
        suffix: [
          "--set", "code={folder}", "command=sh worker.sh", "--query", "name", "--output", "tsv",
        ], input: .words, reading: .behindOrLastLine([]),
        status: [
          "az", "ml", "job", "show", "--name", "{id}", "--query", "status", "--output", "tsv",
        ],
        cancel: ["az", "ml", "job", "cancel", "--name", "{id}"],
        endings: ["completed", "failed", "canceled", "notresponding"])
    default: return nil
    }
  }

  /// Ray's option that says which cluster is meant.
  private static func address(in words: [String]) -> [String] {
    guard let index = words.firstIndex(where: { $0.hasPrefix("--address") }) else { return [] }
    return Array(words[index...].prefix(words[index] == "--address" ? 2 : 1))
  }

  // MARK: A job

  /// The command with the paths of the script and of its folder.
  func words(script: String, folder: String) -> [String] {
    words.map { $0.replacing("{script}", with: script).replacing("{folder}", with: folder) }
  }

  /// Reads a job's id from what the command printed; nil when it is not there, and when the caller
  /// has an expression for it.
  package func jobID(in answer: String) -> String? {
    switch reading {
    case .elsewhere: return nil
    case .behind(let texts): return Self.word(behind: texts, in: answer)
    case .behindOrLastLine(let texts):
      if let word = Self.word(behind: texts, in: answer) { return word }
      guard let line = answer.split(whereSeparator: \.isNewline).last else { return nil }
      // Slurm puts its cluster behind a semicolon.
      let word = line.split(separator: ";")[0].filter { $0 != "\r" }
      let isWord = word.allSatisfy { character in
        character.isASCII
          && (character.isLetter || character.isNumber || "-_.[]".contains(character))
      }
      return isWord && word.first != "-" ? word : nil
    }
  }

  private static func word(behind texts: [String], in answer: String) -> String? {
    for text in texts {
      guard let range = answer.firstRange(of: text) else { continue }
      let word = answer[range.upperBound...].prefix {
        $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0))
      }
      if !word.isEmpty, word.first != "-" { return String(word) }
    }
    return nil
  }

  /// The command that tells of a job; nil when nothing does.
  func status(of id: String) -> [String]? {
    // PBS names its server in ids, and has no -j.
    if status == ["qstat", "-j", "{id}"], id.contains(".") { return ["qstat", id] }
    return status?.map { $0.replacing("{id}", with: id) }
  }

  /// The command that cancels a job.
  func cancel(_ id: String) -> [String] { cancel.map { $0.replacing("{id}", with: id) } }

  /// Whether the command that tells of a job says that it is over.
  func isOver(code: Int32, answer: String) -> Bool {
    let answer = answer.lowercased()
    return code != 0 || !answer.contains { !$0.isWhitespace }
      || endings.contains { answer.contains($0) }
  }
}
