internal import JSON
internal import StudyFiles
internal import StudyModel
internal import System

/// What one attempt's command finds around it: its folders, its files and its variables.
struct TrialEnvironment {
  let job: TrialJob
  /// The private folder of the attempt.
  let folder: String
  /// The folder that attempts share.
  let checkpoint: String
  /// The JSON file with the parameters.
  var parametersFile: String { "\(folder)/params.json" }

  init(_ job: TrialJob, _ folders: TrialFolders) {
    self.job = job
    folder = folders.attempt(job.attempt, of: job.number, replicate: job.replicate)
    checkpoint = folders.checkpoint(of: job.number)
  }

  /// Makes the folders and writes the parameters.
  func createFolders() throws(SystemError) {
    try TrialFolders.createWithParents(folder)
    try TrialFolders.createWithParents(checkpoint)
    try TrialFolders.write(job.parametersJSON.text() + "\n", to: parametersFile)
  }

  /// Writes the study file's own files; a text with a parameter that is not active is left out.
  ///
  /// - Parameter base: The folder of the files that are copied.
  /// - Returns: Why a file cannot be made, in a sentence; nil when all are there.
  func write(
    _ files: [TrialFile], from base: String, spelling: ValueSpelling
  ) throws(SystemError) -> String? {
    for file in files {
      let made: String?
      do throws(FilePatch.Fault) {
        made = try text(of: file, base, spelling)
      } catch {
        return "the file '\(file.name)' cannot be made: \(error.problem)"
      }
      if let made { try TrialFolders.write(made, to: "\(folder)/\(file.name)") }
    }
    return nil
  }

  private func text(
    of file: TrialFile, _ base: String, _ spelling: ValueSpelling
  ) throws(FilePatch.Fault) -> String? {
    func contents(of source: String) throws(FilePatch.Fault) -> String {
      let path = source.hasPrefix("/") ? source : "\(base)/\(source)"
      guard let bytes = ResultFile.contents(of: path) else {
        throw FilePatch.Fault(
          problem: "'\(path)' cannot be read, or is larger than 1 MiB; give a file that is there")
      }
      return String(decoding: bytes, as: UTF8.self)
    }
    switch file.content {
    case .text(let template):
      return template.expanded { replacement(of: $0, spelling) }.map { $0 + "\n" }
    case .template(let source):
      let known = Set(job.parameters.map(\.name) + CommandTemplate.reserved)
      return TrialFile.filled(try contents(of: source)) { name in
        known.contains(name) || name.hasPrefix("args:") || name.hasPrefix("env:")
          ? replacement(of: name, spelling) : nil
      }
    case .patch(let source, let changes):
      var text = try contents(of: source)
      for change in changes {
        let value = TrialFile.value(
          of: change,
          { name in job.parameters.first { $0.name == name }.map { JSONValue($0.value) } },
          { replacement(of: $0, spelling) })
        guard let value else { continue }
        text = try FilePatch.text(text, ofFile: source, setting: change.path, to: value)
      }
      return text
    }
  }

  /// Removes the checkpoint folder if the command left nothing in it.
  func removeEmptyFolders() {
    _ = unsafe rmdir(checkpoint)
  }

  /// The words of a command for this trial.
  func words(of command: CommandTemplate) -> [String] {
    command.words(for: job.parameters, spellings: job.spellings) { placeholder($0) }
  }

  /// The value of one of ``CommandTemplate/reserved``.
  func placeholder(_ name: String) -> String {
    switch name {
    case "trial": String(job.number)
    case "study": job.study
    case "dir": folder
    case "attempt": String(job.attempt)
    case "seed": String(job.commandSeed)
    case "params": parametersFile
    case "checkpoint": checkpoint
    case "slot": String(job.slot)
    case "replicate": String(job.replicate)
    default:
      name.hasPrefix("env:")
        ? unsafe getenv(String(name.dropFirst(4))).map { unsafe String(cString: $0) }
          ?? String(name.dropFirst(4)) : ""
    }
  }

  /// What a placeholder stands for; nil for a parameter that is not active.
  func replacement(of name: String, _ spelling: ValueSpelling) -> String? {
    if let parameter = job.parameters.first(where: { $0.name == name }) {
      return job.spellings[name] ?? spelling.text(of: parameter.value)
    }
    return CommandTemplate.replacement(of: name, in: job.parameters) { placeholder($0) }
  }

  /// How a command's environment for another trial becomes that for this one, as the channel says
  /// it.
  func change(
    adding variables: [EnvironmentVariable], _ parameterVariables: ParameterVariables,
    spelling: ValueSpelling, folder: String
  ) -> [JSONValue.Member] {
    let set = own(adding: variables, parameterVariables, spelling: spelling).map { entry in
      let name = entry.prefix { $0 != "=" }
      return JSONValue.Member(String(name), .string(String(entry.dropFirst(name.count + 1))))
    }
    let known = Set(set.map(\.name))
    let unset = variables.map(\.name).filter { !known.contains($0) }
    return [
      .init("environment", .object(set)), .init("unset", .array(unset.map(JSONValue.string))),
      .init("folder", .string(folder)),
    ]
  }

  /// The whole environment of the command as `NAME=value`.
  ///
  /// - Parameters:
  ///   - variables: Those of the study file; one with a parameter that is not active is left out.
  ///   - parameterVariables: The names of the parameters' variables.
  func variables(
    adding variables: [EnvironmentVariable], _ parameterVariables: ParameterVariables,
    to inherited: [String], spelling: ValueSpelling, channel: Int32,
    leaving rule: StayRule
  ) -> [String] {
    let own = Set(job.variables.map { $0.prefix { $0 != "=" } })
    var all = own.isEmpty ? inherited : inherited.filter { !own.contains($0.prefix { $0 != "=" }) }
    all += job.variables
    all.reserveCapacity(inherited.count + variables.count + job.parameters.count + 12)
    all += self.own(adding: variables, parameterVariables, spelling: spelling)
    all.append("NEEDLETAIL_CHANNEL=\(channel)")
    if !rule.names.isEmpty {
      // For a guardian and the next attempt, which do not know the study file.
      all.append("\(StayRule.variable)=\(rule.names.sorted().joined(separator: ":"))")
    }
    return all
  }

  /// What the command in a container has for its environment, as `NAME=value`.
  func containerVariables(
    adding variables: [EnvironmentVariable], _ parameterVariables: ParameterVariables,
    spelling: ValueSpelling, channel: Int32?
  ) -> [String] {
    job.variables + own(adding: variables, parameterVariables, spelling: spelling)
      + (channel.map { ["NEEDLETAIL_CHANNEL=\($0)"] } ?? [])
  }

  /// What is this trial's own of the environment.
  private func own(
    adding variables: [EnvironmentVariable], _ parameterVariables: ParameterVariables,
    spelling: ValueSpelling
  ) -> [String] {
    var all: [String] = []
    for variable in variables {
      let value = variable.value?.expanded { replacement(of: $0, spelling) }
      if let value { all.append("\(variable.name)=\(value)") }
    }
    all.append("NEEDLETAIL_STUDY=\(job.study)")
    all.append("NEEDLETAIL_TRIAL=\(job.number)")
    all.append("NEEDLETAIL_ATTEMPT=\(job.attempt)")
    all.append("NEEDLETAIL_SEED=\(job.commandSeed)")
    all.append("NEEDLETAIL_SLOT=\(job.slot)")
    all.append("NEEDLETAIL_REPLICATE=\(job.replicate)")
    all.append("NEEDLETAIL_PARAMS=\(parametersFile)")
    all.append("NEEDLETAIL_DIR=\(folder)")
    all.append("NEEDLETAIL_CHECKPOINT=\(checkpoint)")
    let names = parameterVariables.variables(of: job.parameters.map(\.name))
    for (name, parameter) in zip(names, job.parameters) {
      // No variable can hold a NUL; the JSON file has the value in full.
      let value = parameter.value.description.prefix { $0 != "\0" }
      all.append("\(name)=\(value)")
    }
    return all
  }

  /// This process's environment as a trial's command gets it.
  ///
  /// Variables of an outer trial are left out. Python's output is not buffered, since a report that
  /// waits in a buffer comes too late to prune.
  static func inherited(
    without names: Set<String>, clientFolder: String?, toolFolder: String?,
    forwarding: [StandIn] = []
  ) -> [String] {
    var result: [String] = []
    if !forwarding.isEmpty {
      result.append("NEEDLETAIL_FORWARD=\(forwarding.map(\.rawValue).joined(separator: ":"))")
    }
    var seen: Set<String> = []
    var next = unsafe environmentEntries
    while let entry = unsafe next.pointee {
      unsafe next = next.successor()
      let text = unsafe String(cString: entry)
      guard let equals = text.firstIndex(of: "=") else { continue }
      let name = String(text[..<equals])
      guard !names.contains(name), !name.hasPrefix("NEEDLETAIL_"), seen.insert(name).inserted
      else { continue }
      let value = text[text.index(after: equals)...]
      switch name {
      case "PYTHONPATH":
        result.append(
          "\(name)=\(([clientFolder].compactMap { $0 } + [String(value)]).joined(separator: ":"))")
      case "PATH":
        result.append(
          "\(name)=\(([String(value)] + [toolFolder].compactMap { $0 }).joined(separator: ":"))")
      default: result.append(text)
      }
    }
    if let clientFolder, seen.insert("PYTHONPATH").inserted, !names.contains("PYTHONPATH") {
      result.append("PYTHONPATH=\(clientFolder)")
    }
    if seen.insert("PYTHONUNBUFFERED").inserted, !names.contains("PYTHONUNBUFFERED") {
      result.append("PYTHONUNBUFFERED=1")
    }
    return result
  }
}
