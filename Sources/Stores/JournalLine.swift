internal import JSON
internal import StudyModel

/// One operation of a journal, whose members are read with their types. A member that may be
/// missing may be null, too.
struct JournalLine {
  private let operation: JSONValue
  private let number: Int
  private let location: String

  init(_ operation: JSONValue, number: Int, location: String) {
    self.operation = operation
    self.number = number
    self.location = location
  }

  /// The error for a line that has what no journal has.
  func fault(_ problem: String) -> StoreError {
    .notAStore(location: location, problem: "line \(number) of the journal has \(problem)")
  }

  /// Whether there is such a member, which is not null.
  func has(_ name: String) -> Bool {
    switch operation[name] {
    case nil, .null?: false
    default: true
    }
  }

  private func member<Value>(
    _ name: String, _ read: (JSONValue) throws(StoreError) -> Value?
  ) throws(StoreError) -> Value {
    guard let member = operation[name] else { throw fault("no \(name)") }
    guard let value = try read(member) else {
      throw fault("the \(name) \(member.text().prefix(80))")
    }
    return value
  }

  func integer(_ name: String) throws(StoreError) -> Int {
    try member(name) { if case .integer(let value) = $0 { value } else { nil } }
  }

  func number(_ name: String) throws(StoreError) -> Double { try member(name, \.number) }

  func text(_ name: String) throws(StoreError) -> String { try member(name, \.string) }

  func integers(_ name: String) throws(StoreError) -> [Int] {
    try member(name) { list in
      guard let list = list.array else { return nil }
      let numbers = list.compactMap { if case .integer(let value) = $0 { value } else { nil } }
      return numbers.count == list.count ? numbers : nil
    }
  }

  /// The numbers of a list that may be missing.
  func numbers(_ name: String) throws(StoreError) -> [Double] {
    guard has(name) else { return [] }
    return try member(name) { list in
      guard let list = list.array else { return nil }
      let numbers = list.compactMap(\.number)
      return numbers.count == list.count ? numbers : nil
    }
  }

  func state() throws(StoreError) -> TrialState {
    try member("state") { value in
      switch value {
      case .integer(0): .running
      case .integer(1): .completed
      case .integer(2): .pruned
      case .integer(3): .failed
      case .integer(4): .waiting
      default: nil
      }
    }
  }

  /// A date that may be missing; one without an offset is in this machine's time zone.
  func moment(_ name: String) throws(StoreError) -> Timestamp? {
    guard has(name) else { return nil }
    return try member(name) { $0.string.flatMap { Timestamp(local: $0) } }
  }

  /// The members of an object that may be missing.
  func attributes(_ name: String) throws(StoreError) -> [Attribute] {
    guard has(name) else { return [] }
    var attributes: [Attribute] = []
    for member in try members(name) { attributes.set(Attribute(member.name, member.value)) }
    return attributes
  }

  /// The numbers of an object that may be missing, in their order.
  func pairs(_ name: String) throws(StoreError) -> [(String, Double)] {
    guard has(name) else { return [] }
    return try members(name).map { pair throws(StoreError) in
      guard let value = pair.value.number else {
        throw fault("the \(name) \(pair.value.text().prefix(80))")
      }
      return (pair.name, value)
    }
  }

  /// The distributions of an object that may be missing, by name.
  func distributions(_ name: String) throws(StoreError) -> [String: Distribution] {
    guard has(name) else { return [:] }
    var distributions: [String: Distribution] = [:]
    for pair in try members(name) {
      guard let text = pair.value.string else {
        throw fault("the distribution \(pair.value.text().prefix(80))")
      }
      distributions[pair.name] = try Distribution(
        stored: text, of: pair.name, location: "line \(number) of \(location)")
    }
    return distributions
  }

  /// The distribution whose text the member has.
  func distribution(_ name: String) throws(StoreError) -> Distribution {
    try Distribution(
      stored: try text(name), of: try text("param_name"), location: "line \(number) of \(location)")
  }

  private func members(_ name: String) throws(StoreError) -> [JSONValue.Member] {
    try member(name) { if case .object(let members) = $0 { members } else { nil } }
  }
}
