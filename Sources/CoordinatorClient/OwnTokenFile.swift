internal import StudyModel
internal import System

/// The file with the token by which a coordinator on this machine knows the programs of the user
/// who started it. `needletail serve` makes it; a client of a coordinator on loopback reads
/// it.
///
/// Only a file is taken that no other user can read or have written.
package struct OwnTokenFile: Sendable {
  /// Where it is, or would be.
  package let path: String
  private let folder: String

  /// The file of this user, `token` in ``StateFolder``.
  package init(_ environment: (String) -> String?) {
    folder = StateFolder.path(environment)
    path = folder + "/token"
  }

  /// Whether something has its name.
  var exists: Bool {
    var facts = stat()
    return unsafe lstat(path, &facts) == 0
  }

  /// The token; nil when there is no file.
  ///
  /// - Throws: ``CoordinatorError/badCredentials(_:)`` for a file that others may know or have
  ///   made.
  package func read() throws(CoordinatorError) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure("cannot be read: \(Self.reason)")
    }
    defer { close(file) }
    var facts = stat()
    guard unsafe fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw failure("is no file; remove it")
    }
    guard facts.st_uid == geteuid() else {
      throw failure("belongs to another user (\(facts.st_uid)); remove it")
    }
    guard facts.st_mode & 0o077 == 0 else {
      throw failure("may be used by others; make a new one: rm '\(path)', and start serve again")
    }
    try checkFolder()
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = Self.uninterrupted { unsafe System.read(file, &bytes, bytes.count) }
    guard count >= 0 else { throw failure("cannot be read: \(Self.reason)") }
    let text = String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self)
    guard text.hasPrefix("nt_"), text.utf8.count == Self.length else {
      throw failure("holds no token; remove it, and start serve again")
    }
    return text
  }

  /// The token, which is made now if there is none.
  ///
  /// - Throws: ``CoordinatorError/badCredentials(_:)``, also when the file cannot be made.
  package func readOrMake() throws(CoordinatorError) -> String {
    if let known = try read() { return known }
    try makeFolders()
    try checkFolder()
    let text = "nt_\(Token.random().prefix(12))_\(Token.random())\(Token.random())"
    // Complete before it has its name, and never in place of another process's.
    let draft = "\(path).\(getpid()).\(Token.random().prefix(8))"
    let file = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure("cannot be made: \(Self.reason)") }
    defer { unsafe unlink(draft) }
    let bytes = Array((text + "\n").utf8)
    let count = Self.uninterrupted { unsafe write(file, bytes, bytes.count) }
    let isWritten = count == bytes.count && fsync(file) == 0
    let reason = Self.reason
    close(file)
    guard isWritten else { throw failure("cannot be written: \(reason)") }
    guard unsafe link(draft, path) == 0 || errno == EEXIST else {
      throw failure("cannot be made: \(Self.reason)")
    }
    guard let made = try read() else { throw failure("was removed just now; try again") }
    return made
  }

  /// `nt_`, 12 digits, `_`, 64 digits.
  private static let length = 80

  private func makeFolders() throws(CoordinatorError) {
    var place = ""
    for part in folder.split(separator: "/") {
      place += "/\(part)"
      guard unsafe mkdir(place, 0o700) == 0 || errno == EEXIST || errno == EISDIR else {
        // One that cannot be made may be there all the same, on a file system that is not written
        // to.
        let reason = Self.reason
        if unsafe access(place, X_OK) == 0 { continue }
        throw failure("cannot be made, since \(place) cannot: \(reason)")
      }
    }
  }

  /// A user who may write into the folder could put another file there.
  private func checkFolder() throws(CoordinatorError) {
    var facts = stat()
    guard unsafe stat(folder, &facts) == 0 else {
      throw failure("cannot be used, since \(folder) cannot: \(Self.reason)")
    }
    guard facts.st_uid == geteuid(), facts.st_mode & 0o022 == 0 else {
      throw failure("is in a folder that others may write to; run: chmod go-w '\(folder)'")
    }
  }

  private func failure(_ problem: String) -> CoordinatorError {
    .badCredentials("the token file '\(path)' \(problem)")
  }

  private static var reason: String { unsafe String(cString: strerror(errno)) }

  private static func uninterrupted(_ body: () -> Int) -> Int {
    while true {
      let count = body()
      if count >= 0 || errno != EINTR { return count }
    }
  }
}
