/// The command line of the workers that a launch starts.
///
/// The token is not part of it, since others can read command lines: a worker reads it from a file,
/// or from its standard input for the file `-`.
package struct WorkerCommand: Sendable, Hashable {
  /// The program on the worker's machine: a path, or a name to be found there.
  package var program = "needletail"
  /// The coordinator's address as the worker sees it.
  package var coordinator: String
  /// The only study that it works for.
  package var study: String
  /// Its name, which no other worker of the coordinator may have; nil for its machine's.
  package var name: String?
  /// How many trials it runs at once; nil for what the worker itself thinks right.
  package var slots: Int?
  /// Where the token is read from.
  package var tokenFile = "-"
  /// A file with the certificates that the coordinator's must descend from; nil for the system's.
  package var certificateAuthority: String?
  /// The folder where commands run; nil for the one that the worker is started in.
  package var folder: String?
  /// Whether it keeps quiet about single trials.
  package var isQuiet = false
  /// How long trials may go on after the worker is told to end; nil for as long as they take.
  package var grace: Duration?

  package init(coordinator: String, study: String) {
    self.coordinator = coordinator
    self.study = study
  }

  /// The words, the program first.
  package var words: [String] {
    var words = [program, "worker", coordinator, "--study", study, "--token-file", tokenFile]
    if let name { words += ["--name", name] }
    if let slots { words += ["--slots", String(slots)] }
    if let certificateAuthority { words += ["--ca", certificateAuthority] }
    if let folder { words += ["--folder", folder] }
    if isQuiet { words.append("--quiet") }
    if let grace { words += ["--grace", "\(grace.components.seconds)s"] }
    return words
  }
}
