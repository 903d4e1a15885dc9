internal import CMicroHTTPD
// For sockaddr, which the compiler takes to be the first module's that includes it.
internal import System

/// Where a server listens: `HOST:PORT`, with brackets around an IPv6 address.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address, without brackets.
  package let host: String
  /// 0 for any free port.
  package let port: UInt16

  package init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Reads `HOST:PORT`.
  ///
  /// - Throws: ``ServingError/badAddress(_:problem:)``.
  package init(_ text: String) throws(ServingError) {
    guard let colon = text.lastIndex(of: ":") else {
      throw .badAddress(text, problem: "it has no port")
    }
    let port = text[text.index(after: colon)...]
    guard let number = UInt16(port), port.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else {
      throw .badAddress(text, problem: "'\(port)' is no port; ports go from 0 to 65535")
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw .badAddress(text, problem: "an IPv6 address stands in brackets")
    }
    guard !host.isEmpty, !host.utf8.contains(0) else {
      throw .badAddress(text, problem: "it has no host")
    }
    self.init(host: String(host), port: number)
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A socket that listens. Closed when it goes away, unless it was handed to a server.
@safe package struct ListenSocket: ~Copyable {
  /// The socket, which does not block.
  package private(set) var descriptor: Int32
  /// Where it listens, its port included.
  package let address: ListenAddress
  /// Whether only programs on this machine reach it.
  package let isLoopback: Bool

  /// Binds the address, and takes connections from now on.
  ///
  /// - Throws: ``ServingError/portInUse(address:)``,
  ///   ``ServingError/cannotListen(address:problem:)``.
  package init(_ wanted: ListenAddress) throws(ServingError) {
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    unsafe hints.ai_socktype = Descriptors.streamSocket
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(wanted.host, String(wanted.port), &hints, &list)
    guard code == 0, let first = unsafe list else {
      let reason = unsafe String(cString: gai_strerror(code))
      throw .badAddress("\(wanted)", problem: reason)
    }
    defer { unsafe freeaddrinfo(list) }
    let family = unsafe first.pointee.ai_family
    let size = unsafe first.pointee.ai_addrlen
    let descriptor = socket(family, unsafe hints.ai_socktype, 0)
    guard descriptor >= 0 else { throw Self.fault(wanted) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    // The port of a coordinator that was just killed may be taken again at once.
    var yes: Int32 = 1
    let length = socklen_t(MemoryLayout<Int32>.size)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, length)
    guard unsafe bind(descriptor, first.pointee.ai_addr, size) == 0, listen(descriptor, 4_096) == 0
    else {
      let fault = Self.fault(wanted)
      close(descriptor)
      throw fault
    }
    self.descriptor = descriptor
    let peer = unsafe PeerAddress(first.pointee.ai_addr)
    isLoopback = peer.isLoopback
    address = ListenAddress(host: wanted.host, port: Self.port(of: descriptor) ?? wanted.port)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Gives the socket away; it is not closed here any more.
  package mutating func take() -> Int32 {
    defer { descriptor = -1 }
    return descriptor
  }

  private static func fault(_ address: ListenAddress) -> ServingError {
    let code = errno
    if code == EADDRINUSE { return .portInUse(address: "\(address)") }
    return .cannotListen(address: "\(address)", problem: unsafe String(cString: strerror(code)))
  }

  private static func port(of descriptor: Int32) -> UInt16? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard unsafe getsockname(descriptor, address, &length) == 0 else { return nil }
        return unsafe PeerAddress(address).port
      }
    }
  }
}

/// The address of one end of a connection.
struct PeerAddress {
  /// The numeric address, without the port.
  let host: String
  let port: UInt16?
  let isLoopback: Bool
  /// What counts as one peer: the address, of IPv6 the network's 64 bits, since one machine has all
  /// of them.
  let network: String

  @unsafe init(_ address: UnsafePointer<sockaddr>?) {
    guard let address = unsafe address else {
      (host, port, isLoopback, network) = ("unknown", nil, false, "unknown")
      return
    }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN) + 1)
    switch Int32(unsafe address.pointee.sa_family) {
    case AF_INET:
      var inner = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
      unsafe inet_ntop(AF_INET, &inner.sin_addr, &text, socklen_t(text.count))
      host = Self.string(text)
      port = UInt16(bigEndian: inner.sin_port)
      isLoopback = UInt32(bigEndian: inner.sin_addr.s_addr) >> 24 == 127
      network = host
    case AF_INET6:
      var inner = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
      unsafe inet_ntop(AF_INET6, &inner.sin6_addr, &text, socklen_t(text.count))
      let name = Self.string(text)
      host = name.hasPrefix("::ffff:") ? String(name.dropFirst(7)) : name
      port = UInt16(bigEndian: inner.sin6_port)
      let isMapped = host != name
      isLoopback = host == "::1" || isMapped && host.hasPrefix("127.")
      let bytes = unsafe withUnsafeBytes(of: &inner.sin6_addr) { unsafe Array($0.prefix(8)) }
      network = isMapped ? host : bytes.map { String($0, radix: 16) }.joined(separator: ".") + "/64"
    default: (host, port, isLoopback, network) = ("unknown", nil, false, "unknown")
    }
  }

  private static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
