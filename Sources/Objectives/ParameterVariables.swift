/// The environment variables that hold parameters, one for each, whatever the names have in common.
///
/// Capitals and characters that no variable may have make several parameters ask for one name, as
/// `c` and `C` do; the later one gets `_2` behind it, a third `_3`. All parameters of the study
/// count, so that a parameter has the same variable in each trial, also where others are not
/// active.
struct ParameterVariables {
  static let prefix = "NEEDLETAIL_PARAM_"

  private var variables: [String: String] = [:]
  /// The parameter that has a variable.
  private var owners: [String: String] = [:]
  /// What a user must know, in sentences.
  private(set) var warnings: [String] = []

  /// - Parameter parameters: The study's, in its order.
  init(_ parameters: [String]) {
    for parameter in parameters { add(parameter) }
  }

  /// The variables of a trial's parameters, among which may be some that the study file does not
  /// know.
  func variables(of parameters: [String]) -> [String] {
    var all = self
    return parameters.map { all.add($0) }
  }

  @discardableResult
  private mutating func add(_ parameter: String) -> String {
    if let known = variables[parameter] { return known }
    let plain = Self.prefix + Self.variableName(parameter)
    var variable = plain
    var count = 1
    while owners[variable] != nil {
      count += 1
      variable = "\(plain)_\(count)"
    }
    if let owner = owners[plain] {
      warnings.append(
        "the parameters '\(owner)' and '\(parameter)' share the variable \(plain); it holds "
          + "'\(owner)', and \(variable) holds '\(parameter)'")
    }
    variables[parameter] = variable
    owners[variable] = parameter
    return variable
  }

  /// The name in capital letters, each character that no variable's name has replaced by `_`.
  private static func variableName(_ name: String) -> String {
    String(
      name.unicodeScalars.map { scalar -> Character in
        switch scalar {
        case "A"..."Z", "0"..."9": Character(scalar)
        case "a"..."z": Character(Unicode.Scalar(UInt8(scalar.value) - 32))
        default: "_"
        }
      })
  }
}
