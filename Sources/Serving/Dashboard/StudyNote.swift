internal import JSON
internal import StudyModel

/// What people wrote about a study, kept where optuna-dashboard keeps it, so that both show the
/// same.
struct StudyNote: Sendable, Equatable {
  private(set) var text = ""
  /// Grows with each change.
  private(set) var version = 0

  /// Characters of a part; optuna-dashboard's own, from its `_note.py`.
  private static let partLength = 2_045
  private static let (versionKey, textKey) = ("dashboard:note_ver", "dashboard:note_str:")
  /// How many characters a note may have.
  static let longest = 65_536

  init() {}

  /// The note among a study's system attributes; empty without one.
  init(_ attributes: [Attribute]) {
    var parts: [(place: Int, text: String)] = []
    for attribute in attributes {
      if attribute.key == Self.versionKey {
        version = attribute.value.number.flatMap { Int(exactly: $0) } ?? 0
      } else if attribute.key.hasPrefix(Self.textKey),
        let place = Int(attribute.key.dropFirst(Self.textKey.count)),
        let text = attribute.value.string
      {
        parts.append((place, text))
      }
    }
    text = parts.sorted { $0.place < $1.place }.map(\.text).joined()
  }

  /// The attributes that hold another text under the next version. Parts of a longer one before are
  /// emptied.
  func attributes(replacingTextBy new: String) -> [Attribute] {
    let scalars = Array(new.unicodeScalars)
    var parts: [String] = []
    for start in stride(from: 0, to: scalars.count, by: Self.partLength) {
      var part = String.UnicodeScalarView()
      part.append(contentsOf: scalars[start..<min(start + Self.partLength, scalars.count)])
      parts.append(String(part))
    }
    let former = (text.unicodeScalars.count + Self.partLength - 1) / Self.partLength
    while parts.count < former { parts.append("") }
    return parts.enumerated().map { Attribute("\(Self.textKey)\($0)", .string($1)) }
      + [Attribute(Self.versionKey, .integer(version + 1))]
  }
}
