internal import JSON
internal import StudyModel

extension TrialState {
  /// The state's number in the service.
  var wireNumber: Int {
    switch self {
    case .running: 0
    case .completed: 1
    case .pruned: 2
    case .failed: 3
    case .waiting: 4
    }
  }

  /// The state of that number.
  ///
  /// - Throws: ``CallStatus`` for a number that is none's.
  init(wireNumber: Int) throws(CallStatus) {
    guard let state = Self.allCases.first(where: { $0.wireNumber == wireNumber }) else {
      throw CallStatus(.invalidArgument, "there is no trial state \(wireNumber)")
    }
    self = state
  }
}

extension CallStatus {
  /// Refuses a name of a parameter or an attribute that not every store can keep.
  static func checkName(_ name: String) throws(CallStatus) {
    guard name.unicodeScalars.count <= 512, !name.utf8.contains(0) else {
      throw CallStatus(
        .invalidArgument,
        "the name '\(name.prefix(40))…' is longer than 512 characters or has a NUL")
    }
  }
}

extension Attribute {
  /// What begins the keys of Needletail's own attributes, which the service neither shows nor
  /// takes.
  private static let ownPrefixes = ["needletail:", "needletail_"]

  /// Whether the attribute is one of Needletail's own.
  var isOwn: Bool { Self.ownPrefixes.contains(where: key.hasPrefix) }

  /// The attribute of a request.
  ///
  /// - Throws: ``CallStatus`` for a value that is not JSON, and, unless the access is to all, for
  ///   one of Needletail's own.
  init(key: String, json: String, _ access: StorageAccess) throws(CallStatus) {
    try CallStatus.checkName(key)
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: json)
    } catch {
      throw CallStatus(
        .invalidArgument, "the value of the attribute '\(key.prefix(80))' is \(error)")
    }
    self.init(key, value)
    guard access.includesOwn || !isOwn else {
      throw CallStatus(
        .permissionDenied,
        "attributes whose names begin with \(Self.ownPrefixes.joined(separator: " or ")) are "
          + "Needletail's own; choose another name"
      )
    }
  }
}

extension Distribution {
  /// The distribution of a request.
  ///
  /// - Throws: ``CallStatus`` for text that is none.
  init(wire text: String, of name: String) throws(CallStatus) {
    try CallStatus.checkName(name)
    do {
      self = try Distribution(stored: JSONValue(parsing: text))
    } catch {
      throw CallStatus(
        .invalidArgument, "the distribution of parameter '\(name.prefix(80))': \(error)")
    }
  }
}

extension WireWriter {
  /// Writes attributes as a map from keys to JSON text, without Needletail's own unless the access
  /// is to all.
  mutating func attributes(
    _ number: UInt64, _ attributes: [Attribute], _ access: StorageAccess
  ) {
    for attribute in attributes where access.includesOwn || !attribute.isOwn {
      message(number) {
        $0.text(1, attribute.key)
        $0.text(2, attribute.value.text())
      }
    }
  }

  /// Writes a trial as a message of the service.
  mutating func trial(_ number: UInt64, _ trial: Trial, _ access: StorageAccess) {
    message(number) { writer in
      writer.integer(1, trial.reference.id)
      writer.integer(2, trial.number)
      writer.integer(3, trial.state.wireNumber)
      writer.doubles(4, trial.values)
      writer.text(5, trial.startedAt?.localText() ?? "")
      writer.text(6, trial.completedAt?.localText() ?? "")
      for parameter in trial.parameters {
        writer.message(7) {
          $0.text(1, parameter.name)
          $0.double(2, parameter.internalValue)
        }
        writer.message(8) {
          $0.text(1, parameter.name)
          $0.text(2, parameter.distribution.json.text())
        }
      }
      writer.attributes(9, trial.userAttributes, access)
      writer.attributes(10, trial.systemAttributes, access)
      for report in trial.intermediateValues {
        writer.message(11) {
          $0.integer(1, report.step)
          $0.double(2, report.value)
        }
      }
    }
  }
}

extension WireMessage {
  /// The message of a trial that is to be created, whose id and number are not looked at.
  ///
  /// - Throws: ``CallStatus`` for what no trial has.
  func template(_ access: StorageAccess) throws(CallStatus) -> Trial {
    do {
      var trial = Trial(
        TrialReference(id: 0, number: 0), state: try TrialState(wireNumber: integer(3)),
        values: try doubles(4), startedAt: try moment(5), completedAt: try moment(6))
      var distributions: [String: Distribution] = [:]
      for entry in try messages(8) {
        let name = try entry.text(1)
        distributions[name] = try Distribution(wire: entry.text(2), of: name)
      }
      for entry in try messages(7) {
        let name = try entry.text(1)
        guard let distribution = distributions[name] else {
          throw CallStatus(
            .invalidArgument, "parameter '\(name.prefix(80))' has no distribution")
        }
        trial.parameters.append(
          ParameterAssignment(name, distribution, internalValue: try entry.double(2)))
      }
      for entry in try messages(9) {
        trial.userAttributes.set(
          try Attribute(key: entry.text(1), json: entry.text(2), access))
      }
      for entry in try messages(10) {
        trial.systemAttributes.set(
          try Attribute(key: entry.text(1), json: entry.text(2), access))
      }
      for entry in try messages(11) {
        trial.intermediateValues.append(
          IntermediateValue(step: try entry.integer(1), value: try entry.double(2)))
      }
      trial.intermediateValues.sort { $0.step < $1.step }
      return trial
    } catch let status as CallStatus {
      throw status
    } catch {
      throw .malformed
    }
  }

  /// A date; nil for an empty text.
  private func moment(_ number: UInt64) throws -> Timestamp? {
    let text = try text(number)
    if text.isEmpty { return nil }
    guard let moment = Timestamp(local: text) else {
      throw CallStatus(.invalidArgument, "'\(text.prefix(80))' is no date")
    }
    return moment
  }
}

extension CallStatus {
  /// The status for bytes that are no message of the call.
  static let malformed = CallStatus(.internalError, "the request is no message of this call")
}
