internal import System

/// The event files that a command writes for TensorBoard, searched for scalars while they grow.
struct EventFiles {
  /// Of a folder, so many files are read, in folders so deep.
  private static let (mostFiles, mostLevels) = (256, 6)
  /// Of each file, so much is read at one look.
  private static let mostAtOnce = 16 << 20

  /// A file as far as it was read.
  private struct File {
    var offset: off_t = 0
    /// What was read and is no whole record yet.
    var rest: [UInt8] = []
    var isBroken = false
  }

  private let path: String
  private let names: [String]
  private let takesAll: Bool
  private var files: [String: File] = [:]
  /// What is worth telling the user, in a sentence.
  private(set) var note: String?

  /// - Parameters:
  ///   - path: A file, or a folder that has event files in it or in folders below.
  ///   - names: The tags that are looked for.
  ///   - takesAll: Whether scalars of other tags are taken, too.
  init(_ path: String, names: [String], takesAll: Bool) {
    self.path = path
    self.names = names
    self.takesAll = takesAll
    // What is there already is another trial's, where all write to one folder.
    for path in Self.paths(path) {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { continue }
      files[path] = File(offset: status.st_size)
    }
  }

  /// Takes what has come since the last look.
  mutating func look(_ found: (Measurement) -> Void) {
    for path in Self.paths(path) { look(at: path, found) }
  }

  private static func paths(_ path: String) -> [String] {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return [] }
    guard status.st_mode & S_IFMT == S_IFDIR else { return [path] }
    var paths: [String] = []
    list(path, 0, &paths)
    return paths
  }

  private static func list(_ folder: String, _ level: Int, _ paths: inout [String]) {
    guard level < mostLevels else { return }
    for name in names(in: folder).sorted() where paths.count < mostFiles {
      let path = "\(folder)/\(name)"
      var status = stat()
      guard unsafe lstat(path, &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        list(path, level + 1, &paths)
      } else if status.st_mode & S_IFMT == S_IFREG, name.contains("tfevents") {
        paths.append(path)
      }
    }
  }

  /// The names in a folder, at most 10,000; none where there is no such folder.
  static func names(in folder: String) -> [String] {
    guard let list = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(list) }
    var names: [String] = []
    while let entry = unsafe readdir(list), names.count < 10_000 {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
          unsafe String(cString: text)
        }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  private mutating func look(at path: String, _ found: (Measurement) -> Void) {
    var file = files[path] ?? File()
    guard !file.isBroken else { return }
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { return }
    defer { close(number) }
    let read = unsafe [UInt8](unsafeUninitializedCapacity: Self.mostAtOnce) { buffer, count in
      count = 0
      while count < Self.mostAtOnce {
        let new = unsafe pread(
          number, buffer.baseAddress.map { unsafe $0 + count }, Self.mostAtOnce - count,
          file.offset + off_t(count))
        guard new > 0 else { break }
        count += new
      }
    }
    file.offset += off_t(read.count)
    let bytes = file.rest + read
    var place = 0
    reading: while true {
      switch EventRecords.record(in: bytes, at: place) {
      case .data(let range, let size):
        if let event = EventMessage(bytes[range]) { take(event, found) }
        place += size
      case .incomplete: break reading
      case .broken:
        file.isBroken = true
        note = "\(path) has a record that does not agree with its check; it is not read on"
        break reading
      }
    }
    file.rest = Array(bytes[place...])
    files[path] = file
  }

  private func take(_ event: EventMessage, _ found: (Measurement) -> Void) {
    for scalar in event.scalars {
      let known = names.firstIndex(of: scalar.tag)
      guard known != nil || takesAll else { continue }
      found(
        Measurement(
          objective: known ?? names.count, spelled: .number(scalar.value),
          text: "\(scalar.value)", step: event.step >= 0 ? .number(event.step) : .none,
          name: known == nil ? scalar.tag : nil))
    }
  }
}
