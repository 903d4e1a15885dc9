/// The names that parameters, metrics and attributes have as MLflow's keys.
///
/// MLflow takes letters, digits, `_`, `-`, `.`, `:`, spaces and slashes, at most 250 characters,
/// and no name that is another path when taken for one. What it does not take becomes `_`. In a
/// folder a name cannot be a file and a folder at once, so `a/b` beside `a` becomes `a_b`; names
/// that would be the same get a number. A name keeps its key when others are added behind it.
package struct RunNames: Sendable {
  /// The most characters of a key.
  static let longest = 250

  private var keys: [String: String] = [:]
  private var taken: Set<String> = []
  private var folders: Set<String> = []

  package init() {}

  /// How many names have another key than themselves.
  package var changedCount: Int { keys.count { $0.key != $0.value } }

  /// The key of a name, found at its first use.
  package mutating func key(of name: String) -> String {
    if let key = keys[name] { return key }
    var key = Self.cleaned(name)
    if !isFree(key) {
      key = Self.flat(key)
      let base = key
      var number = 2
      while !isFree(key) {
        let ending = "_\(number)"
        key = String(base.unicodeScalars.prefix(Self.longest - ending.utf8.count)) + ending
        number += 1
      }
    }
    keys[name] = key
    // Paths are compared as file systems that ignore case do.
    taken.insert(key.lowercased())
    folders.formUnion(Self.folders(of: key.lowercased()))
    return key
  }

  private func isFree(_ key: String) -> Bool {
    let path = key.lowercased()
    return !taken.contains(path) && !folders.contains(path)
      && Self.folders(of: path).allSatisfy { !taken.contains($0) }
  }

  /// `a` and `a/b` of `a/b/c`.
  private static func folders(of key: String) -> [String] {
    key.indices.filter { key[$0] == "/" }.map { String(key[..<$0]) }
  }

  private static func flat(_ key: String) -> String {
    String(key.map { $0 == "/" ? "_" : $0 })
  }

  private static func cleaned(_ name: String) -> String {
    var key = ""
    for scalar in name.unicodeScalars.prefix(longest) {
      key.unicodeScalars.append(isAllowed(scalar) ? scalar : "_")
    }
    // A path that leads upward, and a file that is hidden.
    while key.hasPrefix(".") {
      key = "_" + key.dropFirst()
    }
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    // A file name has at most 255 bytes.
    let isPath = parts.allSatisfy {
      !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 250
    }
    if isPath { return key }
    key = flat(key)
    while key.utf8.count > 250 { key.unicodeScalars.removeLast() }
    return key.isEmpty || key == "." || key == ".." ? "_" : key
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "/", "_", "-", ".", ":", " ": return true
    default: break
    }
    // Python's \w: what is alphanumeric there.
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .decimalNumber, .letterNumber, .otherNumber:
      return true
    default: return false
    }
  }
}
