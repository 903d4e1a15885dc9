internal import System

/// The file that keeps one stream of a command's output, up to a bound; it appears with the first
/// byte.
struct OutputLog: ~Copyable {
  /// Beyond this much, output is read and forgotten.
  static let largestSize = 16 << 20
  /// The last bytes that are kept in memory for messages.
  private static let tailSize = 8_192

  let path: String
  private var file: Descriptor?
  private var size = 0
  /// The latest bytes, at least the last ``tailSize``.
  private var recent: [UInt8] = []
  /// What is worth telling the user about the file; nil when it is complete.
  private(set) var note: String?
  /// Why the file is incomplete, when that is the disk's fault; else nil.
  private(set) var fault: SystemError?

  init(path: String) {
    self.path = path
  }

  /// The last bytes of the stream.
  var tail: ArraySlice<UInt8> { recent.suffix(Self.tailSize) }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    unsafe recent.append(contentsOf: bytes.suffix(Self.tailSize))
    if recent.count > 4 * Self.tailSize {
      recent.removeFirst(recent.count - Self.tailSize)
    }
    guard note == nil else { return }
    let room = Self.largestSize - size
    unsafe write(UnsafeRawBufferPointer(rebasing: bytes.prefix(room)))
    if bytes.count > room, note == nil {
      var text = "\n[needletail: output beyond \(Self.largestSize >> 20) MiB is not kept]\n"
      text.withUTF8 { unsafe write(UnsafeRawBufferPointer($0)) }
      note = "\(path) holds only the first \(Self.largestSize >> 20) MiB of the output"
    }
  }

  private mutating func write(_ bytes: UnsafeRawBufferPointer) {
    if file == nil {
      // Not blocking: the command may have put a pipe there that nothing reads.
      let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
      let number = unsafe open(path, flags, 0o644)
      guard number >= 0 else {
        take(.last, "cannot be written")
        return
      }
      do {
        file = try Descriptor(owning: number)
      } catch {
        take(error, "cannot be written")
        return
      }
    }
    guard let number = file?.number else { return }
    var rest = unsafe bytes
    while rest.count > 0 {
      let count = unsafe System.write(number, rest.baseAddress, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        take(.last, "is incomplete")
        return
      }
      size += count
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
  }

  private mutating func take(_ error: SystemError, _ what: String) {
    note = "\(path) \(what): \(error.text)"
    if MachineFault.isDisk(error) { fault = error }
  }
}
