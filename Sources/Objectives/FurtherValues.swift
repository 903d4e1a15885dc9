internal import JSON
internal import StudyFiles
internal import StudyModel

/// The latest values of the metrics that a trial keeps beside objectives and constraints.
struct FurtherValues {
  /// More names than so many are not kept.
  private static let most = 256

  private var values: [(name: String, value: Double)] = []

  /// Takes a reported value; what is no number is passed over.
  mutating func add(_ spelled: SpelledNumber, as name: String) {
    guard let value = spelled.value else { return }
    if let place = values.firstIndex(where: { $0.name == name }) {
      values[place].value = value
    } else if values.count < Self.most, name.utf8.count <= 256 {
      values.append((name, value))
    }
  }

  /// What the trial keeps.
  var attributes: [Attribute] { values.map { Attribute($0.name, .float($0.value)) } }
}
