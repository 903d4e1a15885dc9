internal import CYAML

/// Builds the tree of one YAML document from libyaml's events.
///
/// Bounded against hostile files: ``largestSize`` bytes, ``deepestNesting`` levels and
/// ``mostNodes`` nodes, aliases counted as often as they are used.
@safe struct YAMLParser: ~Copyable {
  static let largestSize = 1 << 20
  static let deepestNesting = 64
  static let mostNodes = 100_000

  // On the heap, since libyaml keeps pointers into it.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private var nodeCount = 0
  private var anchors: [String: YAMLNode] = [:]

  /// Parses a document.
  ///
  /// - Parameter bytes: UTF-8, or UTF-16 with a byte order mark.
  /// - Throws: ``LocatedFault`` when it is empty, not YAML, several documents, or beyond a bound.
  static func parse(_ bytes: [UInt8]) throws(LocatedFault) -> YAMLNode {
    let documents = try parseAll(bytes, atMost: 1)
    guard let root = documents.first else {
      throw LocatedFault(
        location: nil, problem: "empty; a study file needs at least a command, a metric and trials")
    }
    return root
  }

  /// Parses all documents of a stream, none for an empty one.
  ///
  /// - Throws: ``LocatedFault`` when there are more than `limit`, and as ``parse(_:)``.
  static func parseAll(_ bytes: [UInt8], atMost limit: Int) throws(LocatedFault) -> [YAMLNode] {
    guard bytes.count <= largestSize else {
      throw LocatedFault(
        location: nil, problem: "larger than \(largestSize >> 20) MiB; this is no study file")
    }
    // The parser reads from a copy of its own, so that no pointer into the array outlives a
    // closure.
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = unsafe copy.initialize(from: bytes)
    defer { unsafe copy.deallocate() }
    var parser = try YAMLParser()
    unsafe yaml_parser_set_input_string(parser.parser, copy.baseAddress, copy.count)
    return try parser.parseStream(atMost: limit)
  }

  private init() throws(LocatedFault) {
    unsafe parser = .allocate(capacity: 1)
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      unsafe parser.deallocate()
      throw LocatedFault(location: nil, problem: "out of memory")
    }
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
  }

  // MARK: Events

  /// What an event says, copied out of libyaml's memory.
  private enum Event {
    case streamStart, streamEnd, documentStart, documentEnd, sequenceEnd, mappingEnd
    case alias(String)
    case scalar(YAMLScalar, anchor: String?)
    case sequenceStart(anchor: String?)
    case mappingStart(anchor: String?)
  }

  private func next() throws(LocatedFault) -> (Event, SourceLocation) {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw fault() }
    defer { unsafe yaml_event_delete(&event) }
    let location = unsafe SourceLocation(event.start_mark)
    switch unsafe event.type {
    case YAML_STREAM_START_EVENT: return (.streamStart, location)
    case YAML_DOCUMENT_START_EVENT: return (.documentStart, location)
    case YAML_DOCUMENT_END_EVENT: return (.documentEnd, location)
    case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, location)
    case YAML_MAPPING_END_EVENT: return (.mappingEnd, location)
    case YAML_ALIAS_EVENT:
      return (.alias(unsafe text(event.data.alias.anchor) ?? ""), location)
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      let value = unsafe YAMLScalar(
        text: String(decoding: bytes, as: UTF8.self),
        isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
        tag: try tag(text(scalar.tag), at: location))
      return (.scalar(value, anchor: unsafe text(scalar.anchor)), location)
    case YAML_SEQUENCE_START_EVENT:
      return (.sequenceStart(anchor: unsafe text(event.data.sequence_start.anchor)), location)
    case YAML_MAPPING_START_EVENT:
      return (.mappingStart(anchor: unsafe text(event.data.mapping_start.anchor)), location)
    default: return (.streamEnd, location)
    }
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    unsafe pointer.map { unsafe String(decodingCString: $0, as: UTF8.self) }
  }

  private func tag(_ tag: String?, at location: SourceLocation) throws(LocatedFault) -> String? {
    guard let tag, tag != "!" else { return tag == "!" ? "str" : nil }
    let prefix = "tag:yaml.org,2002:"
    let name = String(tag.dropFirst(prefix.count))
    guard tag.hasPrefix(prefix), ["str", "int", "float", "bool", "null"].contains(name) else {
      throw LocatedFault(location: location, problem: "the tag '\(tag)' is unknown; remove it")
    }
    return name
  }

  /// libyaml's own complaint, in a sentence.
  private func fault() -> LocatedFault {
    let error = unsafe parser.pointee
    let problem = unsafe error.problem.map { unsafe String(cString: $0) } ?? "no reason given"
    guard unsafe error.error != YAML_READER_ERROR else {
      let offset = unsafe error.problem_offset
      return LocatedFault(
        location: nil, problem: "not YAML: \(problem) at byte \(offset); save it as UTF-8 text")
    }
    let location = unsafe SourceLocation(error.problem_mark)
    let context = unsafe error.context.map { unsafe " (\(String(cString: $0)))" } ?? ""
    let fix =
      problem.contains("cannot start any token")
      ? "quote the value, and indent with spaces" : "check indentation, quotes and brackets here"
    return LocatedFault(location: location, problem: "not YAML: \(problem)\(context); \(fix)")
  }

  // MARK: Tree

  private mutating func parseStream(atMost limit: Int) throws(LocatedFault) -> [YAMLNode] {
    _ = try next()  // the stream's start
    var documents: [YAMLNode] = []
    while true {
      let (first, place) = try next()
      guard case .documentStart = first else { return documents }
      guard documents.count < limit else {
        throw LocatedFault(
          location: place, problem: "a second document begins here; keep only one")
      }
      let (event, start) = try next()
      anchors = [:]
      documents.append(try parseNode(event, at: start, depth: 0))
      _ = try next()  // the document's end
    }
  }

  private mutating func count(_ nodes: Int, at location: SourceLocation) throws(LocatedFault) {
    nodeCount += nodes
    guard nodeCount <= Self.mostNodes else {
      throw LocatedFault(
        location: location, problem: "more than \(Self.mostNodes) values; this is no study file")
    }
  }

  private mutating func parseNode(
    _ event: Event, at location: SourceLocation, depth: Int
  ) throws(LocatedFault) -> YAMLNode {
    guard depth < Self.deepestNesting else {
      throw LocatedFault(
        location: location, problem: "nested deeper than \(Self.deepestNesting) levels; flatten it")
    }
    try count(1, at: location)
    let node: YAMLNode
    let anchor: String?
    switch event {
    case .alias(let name):
      // An anchor is known once its value is complete, so an alias cannot contain itself.
      guard let target = anchors[name] else {
        throw LocatedFault(
          location: location, problem: "'*\(name)' refers to no '&\(name)' above it")
      }
      try count(target.size, at: location)
      return YAMLNode(content: target.content, location: location)
    case .scalar(let scalar, let name):
      node = YAMLNode(content: .scalar(scalar), location: location)
      anchor = name
    case .sequenceStart(let name):
      node = YAMLNode(
        content: .sequence(try parseElements(depth: depth)), location: location)
      anchor = name
    case .mappingStart(let name):
      node = YAMLNode(content: .mapping(try parseEntries(depth: depth)), location: location)
      anchor = name
    default:
      throw LocatedFault(location: location, problem: "not YAML: a value is missing here")
    }
    if let anchor { anchors[anchor] = node }
    return node
  }

  private mutating func parseElements(depth: Int) throws(LocatedFault) -> [YAMLNode] {
    var elements: [YAMLNode] = []
    while true {
      let (event, location) = try next()
      if case .sequenceEnd = event { return elements }
      elements.append(try parseNode(event, at: location, depth: depth + 1))
    }
  }

  private mutating func parseEntries(depth: Int) throws(LocatedFault) -> [YAMLNode.Entry] {
    var entries: [YAMLNode.Entry] = []
    var places: [String: SourceLocation] = [:]
    var merged: [YAMLNode.Entry] = []
    while true {
      let (event, location) = try next()
      if case .mappingEnd = event {
        // What stands in the mapping itself goes before what is merged into it.
        for entry in merged where places.updateValue(entry.keyLocation, forKey: entry.key) == nil {
          entries.append(entry)
        }
        return entries
      }
      let key = try parseNode(event, at: location, depth: depth + 1)
      guard case .scalar(let scalar) = key.content else {
        throw LocatedFault(
          location: location, problem: "\(key.summary) cannot be a key; use a plain word")
      }
      if scalar.text == "<<", scalar.isPlain {
        let (valueEvent, valueLocation) = try next()
        let value = try parseNode(valueEvent, at: valueLocation, depth: depth + 1)
        merged += try Self.mergeable(value)
        continue
      }
      if let earlier = places.updateValue(location, forKey: scalar.text) {
        throw LocatedFault(
          location: location,
          problem: "'\(shortened(scalar.text))' stands twice, first on line \(earlier.line); "
            + "remove or rename one")
      }
      let (valueEvent, valueLocation) = try next()
      let value = try parseNode(valueEvent, at: valueLocation, depth: depth + 1)
      entries.append(YAMLNode.Entry(key: scalar.text, keyLocation: location, value: value))
    }
  }

  /// The entries that a merge key (`<<`) brings: those of a mapping, or of several in a list, of
  /// which the earlier ones win. YAML 1.1, type `merge`.
  private static func mergeable(_ node: YAMLNode) throws(LocatedFault) -> [YAMLNode.Entry] {
    switch node.content {
    case .mapping(let entries): return entries
    case .sequence(let elements):
      var entries: [YAMLNode.Entry] = []
      for element in elements {
        guard case .mapping(let more) = element.content else {
          throw element.fault("'<<' merges \(element.summary); give mappings")
        }
        entries += more
      }
      return entries
    case .scalar: throw node.fault("'<<' merges \(node.summary); give a mapping such as *defaults")
    }
  }
}

extension SourceLocation {
  /// libyaml counts from 0.
  fileprivate init(_ mark: yaml_mark_t) {
    self.init(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
  }
}
