package import JSON
package import StudyModel

/// `POST /v1/studies`: a study file, or what a define-by-run study needs.
package enum StudySubmission: Message {
  /// A study file's text, with what wins over it.
  case file(String, name: String?, trials: Int?)
  /// A study whose objective suggests its own parameters in a worker that is a program of its own.
  case defineByRun(name: String, directions: [Direction], seed: UInt64?)

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    if let file = try reader.optionalText("file", atMost: 1 << 20) {
      self = .file(
        file, name: try reader.optionalText("name", atMost: 2_048),
        trials: try reader.optionalInteger("trials", in: 1...(1 << 40)))
    } else {
      var seed: UInt64?
      if let text = try reader.optionalText("seed") {
        guard let number = UInt64(text) else {
          throw MessageError("'seed' is '\(text.prefix(40))'; give a whole number as a text")
        }
        seed = number
      }
      self = .defineByRun(
        name: try reader.text("name", atMost: 2_048),
        directions: try reader.directions("directions"), seed: seed)
    }
  }

  package var json: JSONValue {
    var members: [JSONValue.Member] = []
    switch self {
    case .file(let text, let name, let trials):
      members.append(.init("file", .string(text)))
      if let name { members.append(.init("name", .string(name))) }
      if let trials { members.append(.init("trials", .integer(trials))) }
    case .defineByRun(let name, let directions, let seed):
      members.append(.init("name", .string(name)))
      members.append(.init("directions", .array(directions.map { .string($0.rawValue) })))
      if let seed { members.append(.init("seed", .string(String(seed)))) }
    }
    return .object(members)
  }
}

/// `POST /v1/studies/{name}/trials`: a trial with given values for some or all of its parameters.
package struct EnqueueRequest: Message {
  /// The given values, in the order of the request.
  package var parameters: [(name: String, value: ParameterValue)] {
    members.map { ($0.name, $0.value.parameterValue) }
  }
  private let members: [JSONValue.Member]

  package init(parameters: [(name: String, value: ParameterValue)]) {
    members = parameters.map { .init($0.name, JSONValue($0.value)) }
  }

  package init(json: JSONValue) throws(MessageError) {
    guard case .object(let members) = try MessageReader(json).value("parameters") else {
      throw MessageError("'parameters' must be an object of names and values")
    }
    self.members = members
  }

  package var json: JSONValue { ["parameters": .object(members)] }
}

/// `POST /v1/studies/{name}/note`: another text of the study's note.
package struct NoteRequest: Message {
  package var text: String
  /// The version that it replaces; 0 for the first.
  package var version: Int

  package init(text: String, version: Int) {
    self.text = text
    self.version = version
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    guard case .string(let text) = try reader.value("text") else {
      throw MessageError("'text' must be a text")
    }
    guard text.utf8.count <= 65_536, !text.unicodeScalars.contains("\0") else {
      throw MessageError("'text' is longer than 65536 bytes or has a character NUL; shorten it")
    }
    self.text = text
    version = try reader.integer("version", in: 0...(1 << 31))
  }

  package var json: JSONValue { ["text": .string(text), "version": .integer(version)] }
}

/// What comes back with every status of 400 and above.
package struct ErrorMessage: Message {
  /// A word for programs, such as `lease_lost`.
  package var code: String
  /// A sentence for people.
  package var message: String

  package init(code: String, message: String) {
    self.code = code
    self.message = message
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(try MessageReader(json).value("error"), at: "error.")
    code = try reader.text("code")
    message = try reader.text("message", atMost: 65_536)
  }

  package var json: JSONValue {
    ["error": ["code": .string(code), "message": .string(message)]]
  }
}
