/// YAML documents of one level, such as other programs' records.
package enum FlatYAML {
  /// The texts under the keys of a mapping; what is no scalar is left out, and nothing is an empty
  /// text.
  ///
  /// - Returns: nil for what is no YAML, no mapping, or larger than 1 MiB.
  package static func entries(of bytes: [UInt8]) -> [String: String]? {
    let node: YAMLNode
    do throws(LocatedFault) { node = try YAMLParser.parse(bytes) } catch { return nil }
    guard case .mapping(let entries) = node.content else { return nil }
    var texts: [String: String] = [:]
    for entry in entries {
      guard case .scalar(let scalar) = entry.value.content else { continue }
      texts[entry.key] = scalar.isNull ? "" : scalar.text
    }
    return texts
  }
}
