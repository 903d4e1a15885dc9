package import JSON
internal import StudyModel
package import Trials

/// `POST /v1/claims`: a worker asks for trials, and may wait for them.
package struct ClaimRequest: Message {
  package var worker: String
  /// How many trials it can take.
  package var slots: Int
  /// How long the answer may wait for the first trial, up to ``WireProtocol/longestWait``.
  package var waitSeconds: Double
  /// The only study it takes trials of; nil for every study that has a command.
  package var study: String?
  /// Studies of which it takes no trials, such as those whose command it may not run.
  package var refused: [String]

  package init(
    worker: String, slots: Int, waitSeconds: Double, study: String?, refused: [String] = []
  ) {
    self.worker = worker
    self.slots = slots
    self.waitSeconds = waitSeconds
    self.study = study
    self.refused = refused
  }

  package init(json: JSONValue) throws(MessageError) { try self.init(try MessageReader(json)) }

  init(_ reader: MessageReader) throws(MessageError) {
    worker = try reader.name("worker")
    slots = try reader.integer("slots", in: 1...4_096)
    waitSeconds = reader.optional("wait_seconds") == nil ? 0 : try reader.number("wait_seconds")
    guard (0...60).contains(waitSeconds) else {
      throw MessageError("'wait_seconds' is \(waitSeconds); give 0 to 60")
    }
    study = try reader.optionalText("study", atMost: 2_048)
    refused = try reader.texts("refused")
  }

  package var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("worker", .string(worker)), .init("slots", .integer(slots)),
      .init("wait_seconds", .float(waitSeconds)),
    ]
    if let study { members.append(.init("study", .string(study))) }
    if !refused.isEmpty {
      members.append(.init("refused", .array(refused.map(JSONValue.string))))
    }
    return .object(members)
  }
}

/// What a worker gets for a claim.
package struct ClaimAnswer: Message {
  package var trials: [Assignment]
  /// Whether nothing will ever come from the studies asked for.
  package var done: Bool

  package init(trials: [Assignment], done: Bool) {
    self.trials = trials
    self.done = done
  }

  package init(json: JSONValue) throws(MessageError) { try self.init(try MessageReader(json)) }

  init(_ reader: MessageReader) throws(MessageError) {
    trials = try reader.list("trials", Assignment.init)
    done = try reader.flag("done")
  }

  package var json: JSONValue {
    ["trials": .array(trials.map(\.json)), "done": .bool(done)]
  }
}

extension Assignment {
  init(_ reader: MessageReader) throws(MessageError) {
    let seed = try reader.text("seed")
    guard let number = UInt64(seed) else {
      throw MessageError("'seed' is '\(seed.prefix(40))'; give a whole number as a text")
    }
    self.init(
      study: try reader.text("study"), directions: try reader.directions("directions"),
      trial: try reader.integer("trial", in: 0...Int(Int32.max)),
      attempt: try reader.integer("attempt", in: 1...WireProtocol.mostAttempts),
      lease: try reader.text("lease"),
      seed: number, fileTag: try reader.optionalText("file_tag"),
      parameters: try reader.list("parameters") { (parameter) throws(MessageError) in
        let distribution = try parameter.distribution("distribution")
        let internalValue = try parameter.number("internal_value")
        guard distribution.contains(internalValue) else {
          throw MessageError(
            "'internal_value' is \(internalValue), outside \(distribution.summary)")
        }
        return ParameterAssignment(
          try parameter.text("name"), distribution, internalValue: internalValue)
      },
      userAttributes: try reader.list("user_attributes") { (item) throws(MessageError) in
        try item.attribute()
      })
  }

  /// `seed` is a text, since it may need all 64 bits; `value` is for readers that do not know how
  /// `internal_value` and `distribution` make it.
  var json: JSONValue {
    [
      "study": .string(study),
      "directions": .array(directions.map { .string($0.rawValue) }),
      "trial": .integer(trial), "attempt": .integer(attempt), "lease": .string(lease),
      "seed": .string(String(seed)),
      "file_tag": fileTag.map(JSONValue.string) ?? .null,
      "parameters": .array(
        parameters.map {
          [
            "name": .string($0.name), "distribution": $0.distribution.json,
            "internal_value": .float($0.internalValue), "value": JSONValue($0.value),
          ]
        }),
      "user_attributes": .array(userAttributes.map(\.json)),
    ]
  }
}

/// `GET /v1/studies/{name}/file`: the study file, for the workers that run its command.
package struct StudyFileMessage: Message {
  /// The file's text.
  package var file: String
  /// Differs between any two texts that the study had.
  package var tag: String

  package init(file: String, tag: String) {
    self.file = file
    self.tag = tag
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    file = try reader.text("file", atMost: 1 << 20)
    tag = try reader.text("tag")
  }

  package var json: JSONValue { ["file": .string(file), "tag": .string(tag)] }
}

extension MessageReader {
  func directions(_ name: String) throws(MessageError) -> [Direction] {
    var directions: [Direction] = []
    for text in try texts(name) {
      guard let direction = Direction(rawValue: text) else {
        throw MessageError("'\(name)' has '\(text.prefix(40))'; give minimize or maximize")
      }
      directions.append(direction)
    }
    guard !directions.isEmpty else {
      throw MessageError("'\(name)' is empty; give minimize or maximize once per objective")
    }
    return directions
  }
}

extension Attribute {
  var json: JSONValue { ["key": .string(key), "value": value] }
}
