package import JSON
package import StudyModel

/// What a command may ask over the trial channel.
///
/// The channel is a stream socket whose descriptor number stands in `NEEDLETAIL_CHANNEL`. Each
/// request is one line of JSON with a `call`; each is answered, in order, by one line with
/// `"ok": true` and the answer's members, or `"ok": false` and an `error`. `NaN`, `Infinity` and
/// `-Infinity` are spelled as bare words, and accepted as strings too.
///
/// | call | members | answer |
/// |---|---|---|
/// | `trial` | | `study`, `number`, `attempt`, `seed`, `params`, `user_attrs`, `directions` |
/// | `suggest` | `name`, `distribution` | `value` |
/// | `report` | `value`, `step` | |
/// | `should_prune` | | `prune`, `reason` |
/// | `set_user_attr` | `key`, `value` | |
/// | `set_study_attr` | `key`, `value` | |
/// | `enqueue` | `params`, `user_attrs` | |
/// | `set_constraint` | `name`, `value`, feasible at 0 and below | |
/// | `tell` | `values`, or `state`: `pruned`, `infeasible`, `failed`, with a `reason` | |
/// | `next` | | `done`, or what `trial` has, `environment`, `unset`, `folder`, for another trial |
/// | `taken` | | none |
/// | `log` | `metrics` by name, `step` if it is a report, `asks` | none |
package enum ChannelRequest: Sendable, Hashable {
  /// What the command is told of its trial.
  case trial
  case suggest(Parameter)
  case report(Double, step: Int)
  case shouldPrune
  case setUserAttribute(Attribute)
  /// An attribute of the study.
  case setStudyAttribute(Attribute)
  /// Another trial of the study, with these values.
  case enqueue([Attribute], userAttributes: [Attribute])
  /// The value of a constraint.
  case setConstraint(String, Double)
  /// The objectives' final values.
  case tell([Double])
  case tellPruned
  case tellInfeasible
  case tellFailed(String)
  /// Another trial for the same process, after this one's end was told.
  case next
  /// The process has got the trial that ``next`` brought.
  case taken
  /// Values by the names of metrics, as if they were printed; a report where there is a step.
  /// A command that asks gets no signal when it is to stop, since it asks by ``shouldPrune``.
  case log([Attribute], step: Int?, asks: Bool)

  /// The request as it is sent.
  package var json: JSONValue {
    switch self {
    case .trial: ["call": "trial"]
    case .suggest(let parameter):
      [
        "call": "suggest", "name": .string(parameter.name),
        "distribution": parameter.distribution.json,
      ]
    case .report(let value, let step):
      ["call": "report", "value": .float(value), "step": .integer(step)]
    case .shouldPrune: ["call": "should_prune"]
    case .setUserAttribute(let attribute):
      ["call": "set_user_attr", "key": .string(attribute.key), "value": attribute.value]
    case .setStudyAttribute(let attribute):
      ["call": "set_study_attr", "key": .string(attribute.key), "value": attribute.value]
    case .enqueue(let values, let attributes):
      [
        "call": "enqueue", "params": Self.object(values), "user_attrs": Self.object(attributes),
      ]
    case .setConstraint(let name, let value):
      ["call": "set_constraint", "name": .string(name), "value": .float(value)]
    case .tell(let values): ["call": "tell", "values": .array(values.map(JSONValue.float))]
    case .tellPruned: ["call": "tell", "state": "pruned"]
    case .tellInfeasible: ["call": "tell", "state": "infeasible"]
    case .tellFailed(let reason):
      ["call": "tell", "state": "failed", "reason": .string(reason)]
    case .next: ["call": "next"]
    case .taken: ["call": "taken"]
    case .log(let metrics, let step, let asks):
      [
        "call": "log", "metrics": Self.object(metrics),
        "step": step.map(JSONValue.integer) ?? .null, "asks": .bool(asks),
      ]
    }
  }

  /// Reads a request.
  package init(json: JSONValue) throws(ChannelError) {
    guard let call = json["call"]?.string else {
      throw ChannelError("a request needs a member 'call', such as {\"call\": \"trial\"}")
    }
    switch call {
    case "trial": self = .trial
    case "suggest":
      guard let name = json["name"]?.string, !name.isEmpty else {
        throw ChannelError("'suggest' needs the parameter's 'name'")
      }
      do {
        self = .suggest(Parameter(name, try Distribution(json: json["distribution"] ?? .null)))
      } catch {
        throw ChannelError("parameter '\(shortened(name))': \(shortened("\(error)", to: 1_000))")
      }
    case "report":
      guard let step = json["step"]?.number.flatMap({ Int(exactly: $0) }), step >= 0 else {
        throw ChannelError("'report' needs a 'step', a whole number from 0")
      }
      self = .report(try Self.number(json["value"], in: "report"), step: step)
    case "should_prune": self = .shouldPrune
    case "next": self = .next
    case "taken": self = .taken
    case "log":
      guard let metrics = Self.members(json["metrics"]) else {
        throw ChannelError("'log' needs 'metrics', an object of values by name")
      }
      self = .log(
        metrics,
        step: json["step"]?.number.flatMap { Int(exactly: $0) }.flatMap { $0 < 0 ? nil : $0 },
        asks: json["asks"] == .bool(true))
    case "set_user_attr":
      guard let key = json["key"]?.string, let value = json["value"] else {
        throw ChannelError("'set_user_attr' needs a 'key' and a 'value'")
      }
      self = .setUserAttribute(Attribute(key, value))
    case "set_study_attr":
      guard let key = json["key"]?.string, let value = json["value"] else {
        throw ChannelError("'set_study_attr' needs a 'key' and a 'value'")
      }
      self = .setStudyAttribute(Attribute(key, value))
    case "enqueue":
      guard let values = Self.members(json["params"]),
        let attributes = Self.members(json["user_attrs"] ?? .object([]))
      else {
        throw ChannelError("'enqueue' needs 'params', an object of values by parameter")
      }
      self = .enqueue(values, userAttributes: attributes)
    case "set_constraint":
      guard let name = json["name"]?.string, !name.isEmpty else {
        throw ChannelError("'set_constraint' needs the constraint's 'name'")
      }
      let value = try Self.number(json["value"], in: call)
      guard !value.isNaN else {
        throw ChannelError(
          "the constraint '\(shortened(name))' is NaN; give a number, above 0 where it is violated")
      }
      self = .setConstraint(name, value)
    case "tell":
      switch json["state"]?.string {
      case nil, "completed", "complete":
        let list = json["values"]?.array ?? json["value"].map { [$0] } ?? []
        guard !list.isEmpty else { throw ChannelError("'tell' needs 'values' or a 'state'") }
        self = .tell(
          try list.map { (value) throws(ChannelError) in
            try Self.number(value, in: "tell")
          })
      case "pruned": self = .tellPruned
      case "infeasible": self = .tellInfeasible
      case "failed", "fail":
        self = .tellFailed(json["reason"]?.string ?? "the command said that it failed")
      case .some(let state):
        throw ChannelError(
          "'tell' does not know the state '\(shortened(state))'; give pruned, infeasible or failed")
      }
    default:
      throw ChannelError(
        "the call '\(shortened(call))' is unknown; known are trial, suggest, report, should_prune, "
          + "set_user_attr, set_study_attr, enqueue, set_constraint, tell, next, taken, log")
    }
  }

  private static func object(_ members: [Attribute]) -> JSONValue {
    .object(members.map { JSONValue.Member($0.key, $0.value) })
  }

  private static func members(_ json: JSONValue?) -> [Attribute]? {
    guard case .object(let members)? = json else { return nil }
    return members.map { Attribute($0.name, $0.value) }
  }

  private static func number(_ value: JSONValue?, in call: String) throws(ChannelError) -> Double {
    switch value {
    case .string(let text)?:
      if let number = SpelledNumber.read(text).spelled.value, !text.isEmpty { return number }
    case .some(let other): if let number = other.number { return number }
    case nil: break
    }
    let text = value.map { shortened($0.text()) } ?? "nothing"
    throw ChannelError("'\(call)' got \(text) as a value; give a number")
  }
}

/// The beginning of a text that may be long. Characters are no measure: one may have any number of
/// marks.
private func shortened(_ text: String, to scalars: Int = 60) -> String {
  guard text.unicodeScalars.count > scalars else { return text }
  return String(String.UnicodeScalarView(text.unicodeScalars.prefix(scalars))) + "…"
}

/// Why a request over the trial channel has no answer.
package struct ChannelError: Error, Hashable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
