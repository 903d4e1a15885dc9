internal import JSON
internal import StudyModel

extension YAMLNode {
  /// A choice, lists and mappings included, and how a command line shall spell it: numbers and
  /// Booleans as they stand in the file, such as `1e-4` and `True`; nil where that is the usual
  /// spelling.
  func choiceValue(
    _ what: String
  ) throws(LocatedFault) -> (value: ParameterValue, spelling: String?) {
    guard case .scalar(let scalar) = content else {
      return (try json(what, depth: 0).parameterValue, nil)
    }
    let value = try parameterValue(what)
    return (value, scalar.spelling(of: value))
  }

  private func json(_ what: String, depth: Int) throws(LocatedFault) -> JSONValue {
    guard depth < 32 else { throw fault("\(what) is nested more than 32 deep; flatten it") }
    switch content {
    case .scalar: return JSONValue(try parameterValue("a part of \(what)"))
    case .sequence(let elements):
      var parts: [JSONValue] = []
      for element in elements { parts.append(try element.json(what, depth: depth + 1)) }
      return .array(parts)
    case .mapping(let entries):
      var members: [JSONValue.Member] = []
      for entry in entries {
        members.append(.init(entry.key, try entry.value.json(what, depth: depth + 1)))
      }
      return .object(members)
    }
  }
}

extension YAMLScalar {
  /// The text itself where the value is a number or a Boolean that would be spelled otherwise.
  func spelling(of value: ParameterValue) -> String? {
    switch value {
    case .bool: break
    case .int, .float:
      // In decimals, as every program reads them.
      guard let number = value.number, number.isFinite, Double(text) == number,
        !text.utf8.contains(UInt8(ascii: "x"))
      else { return nil }
    case .null, .string, .opaque: return nil
    }
    return text == value.description ? nil : text
  }
}
