internal import System

/// What is done with files and folders here; errors name the path and the reason.
enum Folder {
  /// Makes the folder and those above it that are missing.
  static func make(_ path: String) throws(ExchangeError) {
    if unsafe mkdir(path, 0o777) == 0 || isFolder(path) { return }
    if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      try make(String(path[..<slash]))
      if unsafe mkdir(path, 0o777) == 0 || isFolder(path) { return }
    }
    throw failure(path, "cannot be made")
  }

  static func isFolder(_ path: String) -> Bool {
    let kept = errno
    defer { errno = kept }
    var facts = stat()
    return unsafe stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
  }

  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// The names in a folder, by ascending bytes, without those that begin with a dot.
  static func names(in path: String) throws(ExchangeError) -> [String] {
    guard let folder = unsafe opendir(path) else { throw failure(path, "cannot be read") }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The bytes of a file; nil when there is none.
  ///
  /// - Parameter limit: More bytes than that are an error.
  static func bytes(of path: String, atMost limit: Int) throws(ExchangeError) -> [UInt8]? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure(path, "cannot be read")
    }
    defer { close(file) }
    return try bytes(from: file, path: path, atMost: limit)
  }

  /// All bytes of an open file.
  static func bytes(
    from file: Int32, path: String, atMost limit: Int
  ) throws(ExchangeError) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(path, "cannot be read") }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      guard bytes.count <= limit else {
        throw .file(path: path, problem: "it has more than \(limit >> 20) MiB; split it")
      }
    }
  }

  /// Writes a file, all of it or nothing.
  ///
  /// - Parameter temporary: Where it is until it is complete; on the same disk.
  static func write(
    _ bytes: [UInt8], to path: String, by temporary: String
  ) throws(ExchangeError) {
    let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw failure(path, "cannot be written") }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe writeOnce(file, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        let error = failure(path, "cannot be written")
        close(file)
        unsafe unlink(temporary)
        throw error
      }
      rest = rest.dropFirst(count)
    }
    guard close(file) == 0, unsafe rename(temporary, path) == 0 else {
      let error = failure(path, "cannot be written")
      unsafe unlink(temporary)
      throw error
    }
  }

  /// The path from the root on, without links; nil for what is not there.
  static func resolved(_ path: String) -> String? {
    guard let text = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }

  static func failure(_ path: String, _ what: String) -> ExchangeError {
    let reason = unsafe String(cString: strerror(errno)).lowercased()
    return .file(path: path, problem: "it \(what): \(reason); check the path")
  }
}

/// The system's `write`, whose name ``Folder`` has taken.
private func writeOnce(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  unsafe write(file, bytes, count)
}
