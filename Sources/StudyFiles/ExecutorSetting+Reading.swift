internal import JSON
internal import StudyModel

extension ExecutorSetting {
  /// Reads `executor:`.
  init(reading node: YAMLNode, parameters: [String]) throws(LocatedFault) {
    if case .scalar(let scalar) = node.content, scalar.text == "process" {
      self = .process
      return
    }
    let kinds: [FieldName] = ["container", "http", "file"]
    let fields = try Fields(node, in: "'executor'", known: kinds)
    let given = kinds.compactMap { kind in fields[kind.name].map { (kind.name, $0) } }
    guard given.count == 1 else {
      throw node.fault("'executor' has \(given.count) kinds; give one of \(Self.kinds)")
    }
    switch given[0].0 {
    case "container": self = .container(try ContainerSetting(reading: given[0].1))
    case "file": self = .file(try FolderSetting(reading: given[0].1))
    default: self = .http(try ServiceSetting(reading: given[0].1, parameters: parameters))
    }
  }

  private static let kinds = "{container: IMAGE}, {http: URL} or {file: FOLDER}"

  /// The name by which the study file calls it.
  package var name: String {
    switch self {
    case .process: "process"
    case .container: "container"
    case .http: "http"
    case .file: "file"
    }
  }

  /// The keys of a study file that say nothing to it.
  private var foreignKeys: [String] {
    switch self {
    case .process: []
    case .container: ["memory_limit", "leave", "reuse", "stand_in"]
    case .http, .file:
      [
        "command", "shell", "omit", "files", "environment", "directory", "spelling", "reuse",
        "leave", "memory_limit", "grace_period", "stand_in",
      ]
    }
  }

  /// Refuses keys of the study file that would say nothing.
  func check(_ fields: Fields, _ collection: MetricCollection) throws(LocatedFault) {
    for key in foreignKeys {
      guard let node = fields[key] else { continue }
      throw node.fault(
        "'\(key)' says nothing where the executor is \(name); remove one of the two"
      )
    }
    switch self {
    case .process, .container: return
    case .http, .file: break
    }
    guard let node = fields["collect"] else { return }
    var plain = MetricCollection()
    plain.stepNames = collection.stepNames
    guard collection == plain else {
      throw node.fault(
        "'collect' may only say 'step' where the executor is \(name), whose results are JSON; "
          + "remove the rest")
    }
  }
}

extension ServiceSetting {
  private static let fields: [FieldName] = [
    FieldName("url", "address"), "method", "headers", "body", FieldName("authority", "ca"),
    FieldName("tries", "attempts"),
  ]
  /// Those that a connection sets itself.
  private static let ownHeaders: Set<String> = [
    "host", "content-length", "transfer-encoding", "connection", "expect",
  ]

  /// Reads `http:`, which is a mapping or an address alone.
  init(reading node: YAMLNode, parameters: [String]) throws(LocatedFault) {
    let known = parameters + Self.placeholders
    location = node.location
    var fields: Fields?
    if case .mapping = node.content { fields = try Fields(node, in: "'http'", known: Self.fields) }
    guard let url = fields.map({ $0["url"] }) ?? node else {
      throw node.fault("'http' has no url; add one, such as url: http://127.0.0.1:8000/score")
    }
    (origin, path) = try Self.address(url, known)
    method =
      try fields?["method"].map { (node) throws(LocatedFault) in
        let text = try node.text("'method' of 'http'")
        guard let method = Method(rawValue: text.uppercased()) else {
          throw node.fault("'method' of 'http' is \(node.summary); give POST, PUT, PATCH or GET")
        }
        return method
      } ?? .post
    headers = try Self.headers(fields?["headers"], of: "'http'")
    body = try fields?["body"].map { (node) throws(LocatedFault) in
      try BodyTemplate(reading: node, known: known, depth: 0)
    }
    if let node = fields?["body"], !method.hasBody {
      throw node.fault("a GET has no body; remove 'body', or give another method")
    }
    authority = try fields?["authority"]?.text("'authority' of 'http'")
    tries = try fields?["tries"]?.count("'tries' of 'http'", from: 1, through: 1_000) ?? 5
  }

  /// The part of an address that holds for all trials, and the rest.
  private static func address(
    _ node: YAMLNode, _ known: [String]
  ) throws(LocatedFault) -> (String, WordTemplate) {
    let text = try node.text("'url' of 'http'")
    let lower = text.lowercased()
    guard let scheme = ["http://", "https://"].first(where: lower.hasPrefix) else {
      throw node.fault(
        "'url' of 'http' is \(node.summary); give one that begins with http:// or https://")
    }
    let rest = text.dropFirst(scheme.count)
    let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !host.isEmpty, !host.contains("{"), !host.contains("@") else {
      throw node.fault(
        host.isEmpty
          ? "'url' of 'http' has no host; give one, such as http://127.0.0.1:8000/score"
          : host.contains("@")
            ? "'url' of 'http' has a user or a password; give an Authorization in 'headers'"
            : "'url' of 'http' has a placeholder in its host; the host is the same for all trials")
    }
    var path = String(rest.dropFirst(host.count))
    guard !path.contains("#") else {
      throw node.fault("'url' of 'http' has a '#', which no server sees; remove it")
    }
    guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) || path.contains("{") else {
      throw node.fault("'url' of 'http' has a space or another character that no address has")
    }
    if !path.hasPrefix("/"), !path.isEmpty { path = "/" + path }
    return (
      scheme + host,
      try WordTemplate(path, known: known, in: "'url' of 'http'", at: node.location)
    )
  }

  /// Reads `headers:` of something.
  static func headers(_ node: YAMLNode?, of owner: String) throws(LocatedFault) -> [Header] {
    guard let node else { return [] }
    var headers: [Header] = []
    for entry in try node.entries("'headers' of \(owner)", of: "names to texts") {
      let isName = entry.key.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
      guard isName, !entry.key.isEmpty, !ownHeaders.contains(entry.key.lowercased()) else {
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "'headers' of \(owner) has '\(shortened(entry.key))', which cannot be set; give "
            + "names such as Authorization")
      }
      let what = "the header '\(shortened(entry.key))'"
      let text = try entry.value.text(what)
      guard !text.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
        throw entry.value.fault("\(what) has a line break or another control character; remove it")
      }
      headers.append(
        Header(
          name: entry.key,
          value: try WordTemplate(text, known: ["study"], in: what, at: entry.value.location)))
    }
    return headers
  }
}

extension BodyTemplate {
  init(reading node: YAMLNode, known: [String], depth: Int) throws(LocatedFault) {
    let what = "'body' of 'http'"
    guard depth < 32 else { throw node.fault("\(what) is nested more than 32 deep; flatten it") }
    switch node.content {
    case .scalar(let scalar):
      if case ParameterValue.string(let text) = scalar.value {
        self = .text(try WordTemplate(text, known: known, in: what, at: node.location))
      } else {
        self = .literal(JSONValue(try node.parameterValue(what)))
      }
    case .sequence(let elements):
      var parts: [BodyTemplate] = []
      for element in elements {
        parts.append(try BodyTemplate(reading: element, known: known, depth: depth + 1))
      }
      self = .array(parts)
    case .mapping(let entries):
      var members: [Member] = []
      for entry in entries {
        members.append(
          Member(
            name: entry.key,
            value: try BodyTemplate(reading: entry.value, known: known, depth: depth + 1)))
      }
      self = .object(members)
    }
  }
}
