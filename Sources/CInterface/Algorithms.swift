internal import JSON
internal import Needletail
internal import StudyFiles
internal import StudyModel

/// What a study is made or loaded with.
struct StudyOptions {
  var directions: [Direction] = [.minimize]
  var sampler: (any Sampler)?
  var pruner: (any Pruner)?
  var seed: UInt64?
  var mayExist = false

  init(_ members: [JSONValue.Member]) throws {
    for member in members {
      switch member.name {
      case "directions": directions = try Self.directions(member.value)
      case "sampler":
        if let setting = try Self.setting(.sampler, member.value) {
          sampler = try setting.makeSampler()
        }
      case "pruner":
        if let setting = try Self.setting(.pruner, member.value) {
          pruner = try setting.makePruner()
        }
      case "seed":
        switch member.value {
        case .null: seed = nil
        case .integer(let number): seed = UInt64(bitPattern: Int64(number))
        default:
          throw CallFailure.badArgument(
            "'seed' is \(member.value.text()); give a whole number of 64 bits")
        }
      case "if_exists":
        switch member.value {
        case "fail": mayExist = false
        case "load": mayExist = true
        default:
          throw CallFailure.badArgument(
            "'if_exists' is \(member.value.text()); give \"fail\" or \"load\"")
        }
      default:
        throw CallFailure.badArgument(
          "a study has no option '\(member.name.prefix(40))'; known are directions, sampler, "
            + "pruner, seed and if_exists")
      }
    }
  }

  private static func directions(_ json: JSONValue) throws -> [Direction] {
    let given = (json.array ?? []).map { $0.string.flatMap(Direction.init(rawValue:)) }
    let directions = given.compactMap(\.self)
    guard !directions.isEmpty, directions.count == given.count else {
      throw CallFailure.badArgument(
        "'directions' is \(json.text()); give [\"minimize\"] or [\"maximize\"], or several")
    }
    return directions
  }

  /// nil for null, which stands for the default.
  private static func setting(
    _ kind: AlgorithmSetting.Kind, _ json: JSONValue
  ) throws -> AlgorithmSetting? {
    if json == .null { return nil }
    return try AlgorithmSetting(kind, json: json.text(), source: "the \(kind.rawValue)'s options")
  }
}
