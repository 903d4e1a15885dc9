/// Where a server is: `http://host:port` or `https://host:port`, perhaps with a path behind it.
package struct WebAddress: Sendable, Hashable, CustomStringConvertible {
  /// The address without a slash at its end, with the port.
  package let text: String
  /// The name or number of the machine, without the brackets of an IPv6 address.
  package let host: String
  /// From 1 to 65535; where none was given, the default one.
  package let port: Int
  /// Whether the scheme is `https`.
  package let usesTLS: Bool

  package var description: String { text }

  /// What is wrong with a text that is no address.
  package struct Fault: Error, Hashable {
    /// The text without what may be a password, cut after 200 characters.
    package let shown: String
    /// What is wrong, without the address.
    package let problem: String
    /// Whether it holds a user and password, which every user of the machine could read.
    package var holdsPassword = false
  }

  /// Whether the text looks like a server's address, and not like a path.
  package static func isAddress(_ text: String) -> Bool {
    let start = text.prefix(8).lowercased()
    return start.hasPrefix("http://") || start.hasPrefix("https://")
  }

  /// Reads an address.
  ///
  /// - Parameter defaultPort: The port of an address without one; nil for 80 and 443.
  package init(_ text: String, defaultPort: Int? = nil) throws(Fault) {
    func bad(_ problem: String, holdsPassword: Bool = false) -> Fault {
      // What stands before an @ may be a password.
      let shown = text.lastIndex(of: "@").map { "…" + text[$0...] } ?? text
      return Fault(
        shown: String(shown.prefix(200)), problem: problem, holdsPassword: holdsPassword)
    }
    guard let schemeEnd = text.firstRange(of: "://") else {
      throw bad("it needs http:// or https:// before the host")
    }
    switch text[..<schemeEnd.lowerBound].lowercased() {
    case "http": usesTLS = false
    case "https": usesTLS = true
    default: throw bad("only http:// and https:// are understood")
    }
    let rest = text[schemeEnd.upperBound...]
    guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw bad("it has a space or another character that no address has")
    }
    guard !rest.contains("?"), !rest.contains("#") else {
      throw bad("leave out what follows the ? or #")
    }
    let authority = rest.prefix { $0 != "/" }
    var path = rest[authority.endIndex...]
    while path.last == "/" { path.removeLast() }
    guard !authority.contains("@") else {
      throw bad("leave out the user and password", holdsPassword: true)
    }
    var name = authority
    var port: Substring?
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else { throw bad("the ] of [host] is missing") }
      name = authority[authority.index(after: authority.startIndex)..<end]
      let tail = authority[authority.index(after: end)...]
      guard tail.isEmpty || tail.first == ":" else { throw bad("a : is missing behind the ]") }
      port = tail.isEmpty ? nil : tail.dropFirst()
    } else if let colon = authority.firstIndex(of: ":") {
      name = authority[..<colon]
      port = authority[authority.index(after: colon)...]
    }
    guard !name.isEmpty else { throw bad("the host is missing") }
    var number = defaultPort ?? (usesTLS ? 443 : 80)
    if let port {
      guard let given = Int(port), (1...65_535).contains(given) else {
        throw bad("the port must be a number from 1 to 65535")
      }
      number = given
    }
    host = String(name)
    self.port = number
    let shownHost = host.contains(":") ? "[\(host)]" : host
    self.text = "\(usesTLS ? "https" : "http")://\(shownHost):\(number)\(path)"
  }

  /// Whether it is this machine itself, whose traffic no other machine sees.
  package var isLoopback: Bool {
    if host == "::1" || host.lowercased() == "localhost" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// A name as a part of a path, every byte but letters, digits and `-._~` escaped.
  package static func escaped(_ name: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in name.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
      default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    // A name of dots alone would be taken for the folder above.
    if bytes == [0x2E] || bytes == [0x2E, 0x2E] {
      return bytes.map { _ in "%2E" }.joined()
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
