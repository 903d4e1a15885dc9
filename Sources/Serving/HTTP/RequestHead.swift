internal import CMicroHTTPD

/// A request's line and headers as they came over the wire, checked beyond what the library asks:
/// what two programs could read in two ways is refused, so that nothing is smuggled past a proxy.
///
/// The library splits a head where it lies and reports texts up to the first byte NUL. So what it
/// passed over is found between the parts: everything there must be a line's end or blank.
@safe struct RequestHead {
  /// Names in lower case.
  private(set) var headers: [(name: String, value: String)] = []
  /// What is wrong with it, in a sentence; nil for a good one.
  private(set) var problem: String?
  private let version: String

  /// Reads the head of a request that has just begun.
  ///
  /// - Parameter targetSize: The bytes of the target as the library saw them first.
  @unsafe init(
    _ library: HTTPLibrary, _ handle: OpaquePointer, method: UnsafePointer<CChar>,
    target: UnsafePointer<CChar>, version: UnsafePointer<CChar>, targetSize: Int
  ) {
    unsafe self.version = String(cString: version)
    let base = unsafe UnsafeRawPointer(method)
    let size =
      unsafe nt_connection_info(
        library.connectionInfo, handle, .CONNECTION_INFO_REQUEST_HEADER_SIZE)?
      .pointee.header_size ?? 0
    let raw = unsafe UnsafeRawBufferPointer(start: base, count: size)
    var collector = unsafe Collector(raw: raw)
    _ = unsafe withUnsafeMutablePointer(to: &collector) { pointer in
      unsafe library.sizedValues(
        handle, .HEADER_KIND,
        { context, _, name, nameSize, value, valueSize in
          guard let context = unsafe context, let name = unsafe name else { return .YES }
          let collector = unsafe context.assumingMemoryBound(to: Collector.self)
          unsafe collector.pointee.take(
            UnsafeRawBufferPointer(start: name, count: nameSize),
            UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueSize))
          return .YES
        }, pointer)
    }
    headers = collector.headers
    let spaces = unsafe (
      base.distance(to: target), UnsafeRawPointer(target).distance(to: version)
    )
    let methodSize = unsafe String(cString: method).utf8.count
    if spaces.0 != methodSize + 1 || spaces.1 != targetSize + 1 {
      problem = "the request line must be a method, a target and HTTP/1.1, one space between them"
    } else {
      problem = collector.problem(first: spaces.0 + spaces.1 + self.version.utf8.count)
    }
    if problem == nil { problem = meaning() }
  }

  /// The value of a header; nil when it is missing.
  func value(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }

  private func count(_ name: String) -> Int { headers.count { $0.name == name } }

  /// What is wrong with the headers that say where a request ends and whom it is for.
  private func meaning() -> String? {
    for (name, value) in headers {
      guard !name.isEmpty, name.utf8.allSatisfy(Self.isToken) else {
        return "'\(name.prefix(40))' is no name of a header; leave blanks out before the colon"
      }
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        return "the header \(name) has a control character; leave it out"
      }
    }
    let hosts = count("host")
    guard hosts == 1 || hosts == 0 && version == "HTTP/1.0" else {
      return "there are \(hosts) headers Host; send one"
    }
    if let host = value("host"), !host.utf8.allSatisfy(Self.isHost) {
      return "the header Host is no host with a port"
    }
    guard count("content-length") < 2 else {
      return "there are several headers Content-Length; send one"
    }
    if let length = value("content-length") {
      guard !length.isEmpty, length.utf8.count < 19, length.utf8.allSatisfy({ 48...57 ~= $0 })
      else { return "the header Content-Length is no number of bytes" }
      guard count("transfer-encoding") == 0 else {
        return "a body has Content-Length or Transfer-Encoding, not both"
      }
    }
    if count("transfer-encoding") > 0 {
      guard count("transfer-encoding") == 1, value("transfer-encoding")?.lowercased() == "chunked",
        version == "HTTP/1.1"
      else { return "Transfer-Encoding can be chunked alone, with HTTP/1.1" }
    }
    return nil
  }

  /// RFC 9110, section 5.6.2.
  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  private static func isHost(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: "-._~:[]%".utf8.contains(byte)
    }
  }

  /// Collects headers, and where they lie.
  @safe private struct Collector {
    var headers: [(name: String, value: String)] = []
    /// Where each begins and ends; nil once one lies elsewhere.
    private var places: [(start: Int, end: Int)]? = []
    private let raw: UnsafeRawBufferPointer
    private let size: Int

    @unsafe init(raw: UnsafeRawBufferPointer) {
      unsafe self.raw = raw
      size = raw.count
    }

    @unsafe mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
      headers.append(
        (
          unsafe String(decoding: name, as: UTF8.self).lowercased(),
          unsafe String(decoding: value, as: UTF8.self)
        ))
      guard let base = unsafe raw.baseAddress, let start = name.baseAddress else { return }
      let first = unsafe base.distance(to: start)
      let last =
        unsafe value.baseAddress.map { unsafe base.distance(to: $0) + value.count }
        ?? (first + name.count + 1)
      if first >= 0, last <= size { places?.append((first, last)) } else { places = nil }
    }

    /// What stands between the parts and belongs to none; `first` is the end of the request line.
    func problem(first: Int) -> String? {
      guard let places, first <= size else { return "a header's line goes on in the next" }
      var end = first
      for place in places {
        if let problem = gap(end..<max(end, place.start), lineEnds: 1) { return problem }
        end = place.end
      }
      return gap(end..<size, lineEnds: 2)
    }

    /// What the library has read as the end of a part stands as NUL.
    private static func isBlank(_ byte: UInt8) -> Bool {
      byte == 0 || byte == 0x0A || byte == 0x0D || byte == 0x20 || byte == 0x09
    }

    private func gap(_ range: Range<Int>, lineEnds: Int) -> String? {
      guard range.allSatisfy({ unsafe Self.isBlank(raw[$0]) }) else {
        return "a header's line has a byte NUL, no name, or goes on in the next line"
      }
      return range.count >= 2 * lineEnds ? nil : "each line of the head ends with CR and LF"
    }
  }
}
