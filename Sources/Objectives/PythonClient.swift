package import StudyFiles
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
    try install([(name: "needletail", text: source)], as: "python", in: cache)
  }

  /// Writes the stand-in of a module, and what all of them share, into a folder of its own, as
  /// ``install(in:)``.
  package static func install(
    _ standIn: StandIn, in cache: String = defaultCache
  ) throws(PythonClientError) -> String {
    try install(
      [
        (name: "needletail_stand_in", text: text(PackageResources.needletail_stand_in_py)),
        (name: standIn.rawValue, text: text(bytes(of: standIn))),
      ], as: standIn.rawValue, in: cache)
  }

  private static func bytes(of standIn: StandIn) -> [UInt8] {
    switch standIn {
    case .wandb: PackageResources.wandb_py
    case .nni: PackageResources.nni_py
    case .hydra: PackageResources.hydra_py
    case .mlflow: PackageResources.mlflow_py
    case .ray: PackageResources.ray_py
    case .clearml: PackageResources.clearml_py
    case .determined: PackageResources.determined_py
    case .comet: PackageResources.comet_ml_py
    case .polyaxon: PackageResources.polyaxon_py
    case .sigopt: PackageResources.sigopt_py
    case .orion: PackageResources.orion_py
    case .hypertune: PackageResources.hypertune_py
    }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// Writes modules into a folder whose name depends on their texts.
  private static func install(
    _ modules: [(name: String, text: String)], as prefix: String, in cache: String
  ) throws(PythonClientError) -> String {
    let hash = StableHash.bits64(modules.map(\.text).joined().utf8)
    let folder = "\(cache)/\(prefix)-\(String(hash, radix: 16))"
    for module in modules { try write(module.text, to: "\(folder)/\(module.name).py", in: folder) }
    return folder
  }

  private static func write(
    _ source: String, to path: String, in folder: String
  ) throws(PythonClientError) {
    if contents(of: path, atMost: source.utf8.count) == source { return }
    let temporary = "\(path).\(getpid())"
    do throws(SystemError) {
      try TrialFolders.createWithParents(folder)
      try TrialFolders.write(source, to: temporary)
      guard unsafe rename(temporary, path) == 0 else { throw .last }
    } catch {
      _ = unsafe unlink(temporary)
      throw PythonClientError(path: path, reason: error.text)
    }
  }

  /// The text of Python/needletail.py, which the build puts into the binary.
  static let source = text(PackageResources.needletail_py)

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

  private static func contents(of path: String, atMost limit: Int) -> String? {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard number >= 0, let file = try? Descriptor(owning: number) else { return nil }
    let size = limit + 1
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
