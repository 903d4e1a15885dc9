package import JSON

/// `POST /v1/studies/{name}/rename`: another name.
package struct RenameRequest: Message {
  /// The name from then on.
  package var name: String

  package init(name: String) { self.name = name }

  package init(json: JSONValue) throws(MessageError) {
    name = try MessageReader(json).text("name", atMost: 2_048)
  }

  package var json: JSONValue { ["name": .string(name)] }
}

/// `POST /v1/studies/{name}/clone`: a new study with the finished trials of one as evidence.
package struct CloneRequest: Message {
  /// The new study's name.
  package var name: String
  /// Another study file's text; only trials that fit its space are taken over.
  package var file: String?
  /// What trials had of parameters that are new in the file.
  package var values: [JSONValue.Member]
  /// Whether no trial is taken over.
  package var isEmpty: Bool

  package init(name: String, file: String?, values: [JSONValue.Member], isEmpty: Bool) {
    self.name = name
    self.file = file
    self.values = values
    self.isEmpty = isEmpty
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    name = try reader.text("name", atMost: 2_048)
    file = try reader.optionalText("file", atMost: 1 << 20)
    values = try reader.members("values")
    isEmpty = reader.optional("empty") == nil ? false : try reader.flag("empty")
  }

  package var json: JSONValue {
    [
      "name": .string(name), "file": file.map { .string($0) } ?? .null,
      "values": .object(values), "empty": .bool(isEmpty),
    ]
  }
}

/// `POST /v1/studies/{name}/edit`: another space, by a study file or piece by piece.
package struct EditRequest: Message {
  /// The study file's text; nil for changes piece by piece.
  package var file: String?
  /// Under each parameter's name an array of choices to add.
  package var choices: [JSONValue.Member]
  /// Under each parameter's name an array of two bounds.
  package var ranges: [JSONValue.Member]
  /// Under each parameter's name a distribution.
  package var parameters: [JSONValue.Member]
  /// What trials had of parameters that are new.
  package var values: [JSONValue.Member]

  package init(
    file: String?, choices: [JSONValue.Member] = [], ranges: [JSONValue.Member] = [],
    parameters: [JSONValue.Member] = [], values: [JSONValue.Member]
  ) {
    self.file = file
    self.choices = choices
    self.ranges = ranges
    self.parameters = parameters
    self.values = values
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    file = try reader.optionalText("file", atMost: 1 << 20)
    choices = try reader.members("choices")
    ranges = try reader.members("ranges")
    parameters = try reader.members("parameters")
    values = try reader.members("values")
    for member in choices where member.value.array == nil {
      throw MessageError("'choices.\(member.name.prefix(40))' must be an array")
    }
    for member in ranges {
      let bounds = member.value.array ?? []
      guard bounds.count == 2, bounds.allSatisfy({ $0.number != nil }) else {
        throw MessageError("'ranges.\(member.name.prefix(40))' must be an array of two numbers")
      }
    }
    let isEmpty = choices.isEmpty && ranges.isEmpty && parameters.isEmpty
    if file != nil, !isEmpty {
      throw MessageError("'file' and changes piece by piece exclude each other; give one")
    }
    if file == nil, isEmpty {
      throw MessageError(
        "there is nothing to change; give 'file', 'choices', 'ranges' or 'parameters'")
    }
  }

  package var json: JSONValue {
    [
      "file": file.map { .string($0) } ?? .null, "choices": .object(choices),
      "ranges": .object(ranges), "parameters": .object(parameters), "values": .object(values),
    ]
  }
}

extension MessageReader {
  /// The members of an object that may be missing.
  fileprivate func members(_ name: String) throws(MessageError) -> [JSONValue.Member] {
    guard let value = optional(name) else { return [] }
    guard case .object(let members) = value else {
      throw MessageError("'\(name)' must be an object of names and values")
    }
    return members
  }
}
