internal import System

/// Who listens on this machine's ports. Another user's program may take the port of a coordinator
/// that has ended, and must not be given this user's token.
enum Listeners {
  /// Whether another user's program listens on a port of loopback; the system's administrator is
  /// none, who can read the token anyway.
  static func areForeign(port: Int) -> Bool {
    owners(of: port).contains { $0 != 0 && $0 != geteuid() }
  }

  private static func owners(of port: Int) -> [uid_t] {
    ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { owners(of: port, in: text(of: $0)) }
  }

  /// The users whose sockets listen on a port, by the kernel's table of connections.
  static func owners(of port: Int, in table: String) -> [uid_t] {
    table.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(separator: " ", maxSplits: 8, omittingEmptySubsequences: true)
      // Number, local address, remote address, state, queues, timer, retransmits, user; 0A listens.
      guard fields.count > 7, fields[3] == "0A",
        let colon = fields[1].lastIndex(of: ":"),
        Int(fields[1][fields[1].index(after: colon)...], radix: 16) == port
      else { return nil }
      return uid_t(fields[7])
    }
  }

  /// The kernel's tables have no size before they are read.
  private static func text(of path: String) -> String {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < 64 << 20 {
      let count = unsafe read(file, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
