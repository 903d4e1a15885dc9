internal import System

/// Where the files of a study's trials are: one folder per attempt, one per trial that outlives its
/// attempts.
package struct TrialFolders: Sendable {
  /// The study's folder; absolute once ``create()`` has returned.
  package private(set) var base: String

  /// Names the folder of a study inside `parent`.
  ///
  /// - Parameters:
  ///   - study: The study's name, of which letters, digits, `-` and `_` are kept.
  ///   - token: Text that no other study has, so that no files of another are ever met.
  package init(in parent: String, study: String, token: String) {
    func plain(_ text: String, _ length: Int) -> String {
      String(
        text.unicodeScalars.prefix(length).map { scalar -> Character in
          switch scalar {
          case "a"..."z", "A"..."Z", "0"..."9", "-", "_": Character(scalar)
          default: "_"
          }
        })
    }
    base = "\(parent)/\(plain(study, 40))-\(plain(token, 12))"
  }

  /// The folder of a study at a path that is known.
  package init(at base: String) { self.base = base }

  /// Creates the folder with its parents.
  mutating func create() throws(SystemError) {
    if !base.hasPrefix("/") { base = "\(try Self.workingFolder())/\(base)" }
    try Self.createWithParents(base)
  }

  /// The private folder of one attempt, or of a repetition within it: logs, parameters, and what
  /// the command leaves.
  package func attempt(_ attempt: Int, of number: Int, replicate: Int = 0) -> String {
    let trial = "\(base)/trial-\(number)"
    let folder = attempt == 1 ? trial : "\(trial).attempt-\(attempt)"
    return replicate == 0 ? folder : "\(folder)/replicate-\(replicate)"
  }

  /// The folder that all attempts at a trial share.
  package func checkpoint(of number: Int) -> String { "\(base)/trial-\(number).checkpoint" }

  static func createWithParents(_ path: String) throws(SystemError) {
    if unsafe mkdir(path, 0o777) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw .last
    }
    try createWithParents(String(path[..<slash]))
    guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else { throw .last }
  }

  static func workingFolder() throws(SystemError) -> String {
    guard let path = unsafe getcwd(nil, 0) else { throw .last }
    defer { unsafe free(path) }
    return unsafe String(cString: path)
  }

  /// Writes a small file that nothing else writes.
  static func write(_ text: String, to path: String) throws(SystemError) {
    let number = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard number >= 0 else { throw .last }
    let file = try Descriptor(owning: number)
    try file.write(text)
  }
}
