/// Why a pruner cannot be made.
public enum PrunerError: Error, Hashable {
  /// A setting that makes no sense.
  case badSetting(name: String, value: String, fix: String)
}

extension PrunerError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .badSetting(let name, let value, let fix):
      "the pruner's setting '\(name)' cannot be \(value); \(fix)"
    }
  }
}

/// Checks that a setting is not below `least`.
func require(_ value: Int, atLeast least: Int, as name: String) throws(PrunerError) {
  guard value >= least else {
    throw .badSetting(name: name, value: String(value), fix: "give an integer from \(least) on")
  }
}
