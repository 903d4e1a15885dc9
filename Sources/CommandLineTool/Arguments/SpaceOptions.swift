internal import JSON
internal import StudyModel

/// The options with which verbs say changes of a space.
enum SpaceOptions {
  /// What a verb's description lists for values of new parameters.
  static let value = VerbDescription.Option(
    name: "--value", placeholder: "NAME=VALUE",
    help: "What the trials that are there had of a parameter that is new.", isRepeated: true)

  /// What `--value` says.
  static func values(
    _ arguments: inout ArgumentScanner
  ) throws(UsageError) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    for text in arguments.values("--value") {
      let (name, value) = try pair(text, "--value")
      members.append(.init(name, json(value)))
    }
    return members
  }

  /// What `--choice` says: an array for each name.
  static func choices(
    _ arguments: inout ArgumentScanner
  ) throws(UsageError) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    for text in arguments.values("--choice") {
      let (name, value) = try pair(text, "--choice")
      if let place = members.firstIndex(where: { $0.name == name }) {
        members[place] = .init(name, .array((members[place].value.array ?? []) + [json(value)]))
      } else {
        members.append(.init(name, .array([json(value)])))
      }
    }
    return members
  }

  /// What `--range` says: an array of two bounds for each name.
  static func ranges(
    _ arguments: inout ArgumentScanner
  ) throws(UsageError) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    for text in arguments.values("--range") {
      let (name, value) = try pair(text, "--range")
      guard let dots = value.firstRange(of: ".."),
        let low = Double(decimal: String(value[..<dots.lowerBound])),
        let high = Double(decimal: String(value[dots.upperBound...]))
      else { throw .badValue(option: "--range", value: text, expected: "NAME=LOW..HIGH") }
      members.append(.init(name, .array([.float(low), .float(high)])))
    }
    return members
  }

  /// What `--parameter` says: a distribution for each name.
  static func parameters(
    _ arguments: inout ArgumentScanner
  ) throws(UsageError) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    for text in arguments.values("--parameter") {
      let (name, value) = try pair(text, "--parameter")
      members.append(.init(name, json(value)))
    }
    return members
  }

  private static func pair(
    _ text: String, _ option: String
  ) throws(UsageError) -> (name: String, value: String) {
    guard let mark = text.firstIndex(of: "="), mark > text.startIndex else {
      throw .badValue(option: option, value: text, expected: "NAME=VALUE")
    }
    return (String(text[..<mark]), String(text[text.index(after: mark)...]))
  }

  /// A value as JSON; what is not JSON is text, as for `trial enqueue`.
  private static func json(_ text: String) -> JSONValue {
    guard case .success(let value) = Result(catching: { try JSONValue(parsing: text) }) else {
      return .string(text)
    }
    return value
  }
}
