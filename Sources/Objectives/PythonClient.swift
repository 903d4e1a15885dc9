internal import System

/// The single-file Python client that this program carries, put where Python finds it.
package enum PythonClient {
  /// Writes the client into a folder of its own, unless it is there, and returns that folder.
  ///
  /// The folder's name depends on the client's text, so different versions do not meet; a file that
  /// is not as it should be is replaced in one step.
  ///
  /// - Parameter cache: The folder in which ours is made; created if need be. By default
  ///   ``defaultCache``.
  /// - Throws: ``PythonClientError`` when the file cannot be written.
  package static func install(in cache: String = defaultCache) throws(PythonClientError) -> String {
    let folder = "\(cache)/python-\(fingerprint)"
    let path = "\(folder)/needletail.py"
    if contents(of: path) == source { return folder }
    let temporary = "\(path).\(getpid())"
    do throws(SystemError) {
      try TrialFolders.createWithParents(folder)
      try TrialFolders.write(source, to: temporary)
      guard unsafe rename(temporary, path) == 0 else { throw .last }
    } catch {
      _ = unsafe unlink(temporary)
      throw PythonClientError(path: path, reason: error.text)
    }
    return folder
  }

  /// The text of Python/needletail.py, which the build puts into the binary.
  static let source = String(decoding: PackageResources.needletail_py, as: UTF8.self)

  /// `$XDG_CACHE_HOME/needletail`, `~/.cache/needletail`, or without a home a folder of this user
  /// in `/tmp`.
  package static var defaultCache: String {
    func variable(_ name: String) -> String? {
      unsafe getenv(name).map { unsafe String(cString: $0) }.flatMap {
        $0.hasPrefix("/") ? $0 : nil
      }
    }
    if let cache = variable("XDG_CACHE_HOME") { return "\(cache)/needletail" }
    if let home = variable("HOME") { return "\(home)/.cache/needletail" }
    return "/tmp/needletail-\(getuid())"
  }

  /// A hash of the text, 64 bits in hexadecimal digits.
  private static var fingerprint: String {
    String(StableHash.bits64(source.utf8), radix: 16)
  }

  private static func contents(of path: String) -> String? {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard number >= 0, let file = try? Descriptor(owning: number) else { return nil }
    let size = source.utf8.count + 1
    var bytes: [UInt8] = []
    return unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { buffer in
      while bytes.count < size, case .bytes(let count) = unsafe file.read(into: buffer) {
        unsafe bytes.append(contentsOf: buffer[..<count])
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}

/// Why the Python client could not be put in place.
package struct PythonClientError: Error, CustomStringConvertible {
  let path: String
  let reason: String

  package var description: String {
    "\(path) cannot be written: \(reason); set XDG_CACHE_HOME to a folder that you may write to"
  }
}
