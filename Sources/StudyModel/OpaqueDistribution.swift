public import JSON

/// A distribution that another program stored and that nothing here draws from: a bound that is not
/// finite or beyond 2⁵³, more steps than can be counted, or a class that this version does not
/// know.
///
/// It stays as it was stored, and the trials that have it are shown, exported and copied like
/// others; models leave the parameter out.
public struct OpaqueDistribution: Sendable {
  /// The stored form.
  public let json: JSONValue
  /// The stored form as text: what makes two of them the same.
  public let text: String
  /// The name of its class, such as `IntDistribution`.
  public let className: String
  /// Why nothing is drawn from it, such as `its bound inf is not finite`.
  public let reason: String

  /// The distribution in that form, which was refused for that reason; nil if the form is no
  /// distribution at all.
  init?(_ json: JSONValue, refusedFor error: SearchSpaceError) {
    guard let name = json["name"]?.string ?? json["type"]?.string else { return nil }
    switch error {
    case .notFinite(let bound): reason = "its bound \(bound) is not finite"
    case .integerTooLarge(let bound): reason = "its bound \(bound) is beyond 2^53"
    case .tooManySteps: reason = "it has more than 2^53 steps"
    case .unknownDistribution: reason = "its kind is unknown here"
    case .unknownAttribute(let name): reason = "its attribute '\(name)' is unknown here"
    case .logWithStep: reason = "it has both a step and a logarithmic scale"
    default: return nil
    }
    className = name
    self.json = json
    text = json.text()
  }

  /// Whether its values are whole numbers.
  var isWhole: Bool { className.hasPrefix("Int") || className == "int" }

  /// Whether the logarithm is what varies evenly.
  var log: Bool {
    let flag = (json["attributes"] ?? json)["log"]
    return flag == .bool(true) || flag == .integer(1) || className.contains("Log")
  }

  /// `IntDistribution {"log": false, "step": 1, "low": 0, "high": 1152921504606846976}`.
  var summary: String {
    "\(className) \((json["attributes"] ?? json).text())"
  }
}

extension OpaqueDistribution: Hashable {
  public static func == (left: OpaqueDistribution, right: OpaqueDistribution) -> Bool {
    left.text == right.text
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
