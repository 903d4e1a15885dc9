internal import CoordinatorClient
internal import JSON
internal import Messages
internal import StudyModel
internal import System
package import Trials

/// A worker's results that its coordinator does not have yet, in a file that survives the worker.
///
/// Each line is a checksum and a JSON document: first a header that names coordinator and worker,
/// then results. A line that does not fit its checksum, as a power cut leaves it, and what follows
/// it are cut off. The file is locked while its worker lives, and empty but for the header while
/// nothing waits. Thread-safe.
package final class Spool: ResultKeeper {
  /// The file.
  package let path: String
  /// The worker whose results they are.
  package let worker: String
  /// The results that were in the file when it was opened, in their order.
  package let found: [TrialResult]
  /// What was cut off then, in a sentence; nil when the file was whole.
  package let damage: String?
  private let listener: @Sendable (String) -> Void
  private let header: [UInt8]
  private let state: Lock<State>

  private struct State {
    var file: Int32
    /// The lines of results that are not delivered, by lease, and their order.
    var lines: [String: [UInt8]]
    var order: [String]
    var size: Int
    /// Whether something was written that the disk may not have.
    var isUnsettled = false
    var hasFailed = false
  }

  /// The size from which delivered results are cleared out of a file that is never empty.
  private static let clearingSize = 4 << 20
  private static let format = 1

  // MARK: Opening

  /// Opens or creates the file of a worker, and locks it.
  ///
  /// - Parameter listener: Told in a sentence when the file cannot be written any more.
  /// - Throws: ``SpoolError``.
  package convenience init(
    in folder: String, coordinator: String, worker: String,
    listener: @escaping @Sendable (String) -> Void
  ) throws(SpoolError) {
    let path = "\(folder)/\(Self.fileName(worker, coordinator))"
    try Self.createFolder(folder)
    try self.init(path: path, coordinator: coordinator, worker: worker, listener: listener)
  }

  /// Opens the files in `folder` of workers of that coordinator which do not live any more and left
  /// results behind.
  package static func leftBehind(
    in folder: String, coordinator: String, listener: @escaping @Sendable (String) -> Void
  ) -> [Spool] {
    guard let list = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(list) }
    var spools: [Spool] = []
    while let entry = unsafe readdir(list) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
          unsafe String(cString: text)
        }
      }
      guard name.hasSuffix(".spool") else { continue }
      // One that lives, or that cannot be read, is not ours to deliver.
      guard
        let spool = try? Spool(
          path: "\(folder)/\(name)", coordinator: coordinator, worker: nil, listener: listener)
      else { continue }
      if spool.found.isEmpty { spool.remove() } else { spools.append(spool) }
    }
    return spools.sorted { $0.worker < $1.worker }
  }

  private init(
    path: String, coordinator: String, worker: String?,
    listener: @escaping @Sendable (String) -> Void
  ) throws(SpoolError) {
    let flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (worker == nil ? 0 : O_CREAT)
    let file = unsafe open(path, flags, 0o600)
    guard file >= 0 else { throw SpoolError(path, .system(errno)) }
    let contents: Contents
    do throws(SpoolError) {
      guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
        throw SpoolError(path, errno == EWOULDBLOCK ? .inUse(worker ?? "") : .system(errno))
      }
      contents = try Contents(file, path)
      if let found = contents.coordinator {
        guard found == coordinator, worker == nil || worker == contents.worker else {
          throw SpoolError(path, .foreign)
        }
      } else if worker == nil {
        throw SpoolError(path, .foreign)
      }
    } catch {
      close(file)
      throw error
    }
    self.path = path
    self.worker = worker ?? contents.worker
    self.listener = listener
    found = contents.results
    damage = contents.damage
    header = Self.line([
      "needletail_spool": .integer(Self.format), "coordinator": .string(coordinator),
      "worker": .string(self.worker),
    ])
    state = Lock(
      State(
        file: file, lines: contents.lines, order: contents.results.map(\.lease),
        size: contents.size))
    if contents.coordinator == nil {
      guard ftruncate(file, 0) == 0, Self.write(header, to: file) else {
        throw SpoolError(path, .system(errno))
      }
      state.withLock { $0.size = header.count }
    } else if damage != nil, ftruncate(file, off_t(contents.size)) != 0 {
      throw SpoolError(path, .system(errno))
    }
  }

  deinit { state.withLock { _ = close($0.file) } }

  /// Removes a file that no result needs any more.
  package func remove() {
    _ = unsafe unlink(path)
  }

  // MARK: Keeping

  package func keep(_ result: TrialResult) {
    let line = Self.line(result.json)
    let failure: Int32? = state.withLock { state in
      if state.lines.updateValue(line, forKey: result.lease) == nil {
        state.order.append(result.lease)
      }
      guard Self.write(line, to: state.file) else {
        let code = errno
        // What is half written is cut off by the reader; the next line must start anew.
        _ = ftruncate(state.file, off_t(state.size))
        defer { state.hasFailed = true }
        return state.hasFailed ? nil : code
      }
      state.size += line.count
      state.isUnsettled = true
      state.hasFailed = false
      return nil
    }
    if let failure {
      listener(
        "\(SpoolError(path, .system(failure))); results are kept in memory alone")
    }
  }

  package func settle() {
    state.withLock { state in
      guard state.isUnsettled else { return }
      state.isUnsettled = fsync(state.file) != 0
    }
  }

  package func delivered(_ leases: [String]) {
    state.withLock { state in
      for lease in leases where state.lines.removeValue(forKey: lease) != nil {
        state.order.removeAll { $0 == lease }
      }
      if state.lines.isEmpty {
        if ftruncate(state.file, off_t(header.count)) == 0 { state.size = header.count }
        state.isUnsettled = false
      } else if state.size > Self.clearingSize {
        clear(&state)
      }
    }
  }

  /// Writes the file anew without what is delivered. When that fails the old one stays, and what is
  /// delivered twice is taken once.
  private func clear(_ state: inout State) {
    let temporary = "\(path).new"
    let file = unsafe open(
      temporary, O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return }
    let text = header + state.order.flatMap { state.lines[$0] ?? [] }
    guard flock(file, LOCK_EX | LOCK_NB) == 0, Self.write(text, to: file), fsync(file) == 0,
      unsafe rename(temporary, path) == 0
    else {
      close(file)
      _ = unsafe unlink(temporary)
      return
    }
    close(state.file)
    state.file = file
    state.size = text.count
    state.isUnsettled = false
  }

  // MARK: Lines and files

  private static func line(_ document: JSONValue) -> [UInt8] {
    let text = document.bytes()
    return Array(Checksum.text(text).utf8) + [0x20] + text + [0x0A]
  }

  private static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
    unsafe bytes.withUnsafeBytes { unsafe Descriptors.writeAll(file, $0) == 0 }
  }

  private static func fileName(_ worker: String, _ coordinator: String) -> String {
    let plain = String(
      worker.unicodeScalars.prefix(60).map { scalar -> Character in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": Character(scalar)
        default: "_"
        }
      })
    return "\(plain)-\(Checksum.text("\(worker)\n\(coordinator)".utf8)).spool"
  }

  private static func createFolder(_ path: String) throws(SpoolError) {
    if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw SpoolError(path, .system(errno))
    }
    try createFolder(String(path[..<slash]))
    guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw SpoolError(path, .system(errno))
    }
  }

  /// What a file holds.
  private struct Contents {
    /// nil for a file without a header: a new one.
    var coordinator: String?
    var worker = ""
    var results: [TrialResult] = []
    var lines: [String: [UInt8]] = [:]
    /// Where what makes sense ends.
    var size = 0
    var damage: String?

    init(_ file: Int32, _ path: String) throws(SpoolError) {
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = unsafe pread(file, &buffer, buffer.count, off_t(bytes.count))
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw SpoolError(path, .system(errno)) }
        if count == 0 { break }
        bytes += buffer[..<count]
      }
      var rest = bytes[...]
      while let end = rest.firstIndex(of: 0x0A) {
        let line = rest[rest.startIndex...end]
        guard let document = Self.document(line.dropLast()) else { break }
        if coordinator == nil {
          guard let address = document["coordinator"]?.string,
            let name = document["worker"]?.string
          else { throw SpoolError(path, .foreign) }
          coordinator = address
          worker = name
        } else {
          guard let result = try? TrialResult(json: document) else { break }
          if lines.updateValue(Array(line), forKey: result.lease) == nil {
            results.append(result)
          }
        }
        rest = rest[(end + 1)...]
        size = rest.startIndex
      }
      if !rest.isEmpty {
        damage =
          "\(rest.count) bytes at the end of \(path) are damaged and were left out; the trials they "
          + "belong to are run again"
      }
    }

    /// The document of a line; nil when it does not fit its checksum.
    private static func document(_ line: ArraySlice<UInt8>) -> JSONValue? {
      guard line.count > 9, line[line.startIndex + 8] == 0x20 else { return nil }
      let text = Array(line.dropFirst(9))
      guard Array(Checksum.text(text).utf8)[...] == line.prefix(8) else { return nil }
      return try? JSONValue(parsing: text)
    }
  }
}

/// Why a spool file cannot be used.
package struct SpoolError: Error, Hashable, CustomStringConvertible {
  /// What is wrong with the file.
  package enum Problem: Sendable, Hashable {
    /// A worker of that name lives.
    case inUse(String)
    /// It is no spool file, or another worker's.
    case foreign
    case system(Int32)
  }

  /// The file that cannot be used.
  package let path: String
  /// Why it cannot be used.
  package let problem: Problem

  init(_ path: String, _ problem: Problem) {
    self.path = path
    self.problem = problem
  }

  package var description: String {
    switch problem {
    case .inUse(let worker):
      "a worker named '\(worker)' runs on this machine already; give this one another --name"
    case .foreign:
      "\(path) is no spool file of this worker; move it away, or give another folder with --spool"
    case .system(let code):
      "\(path) cannot be written: \(unsafe String(cString: strerror(code))); give another folder "
        + "with --spool"
    }
  }
}
