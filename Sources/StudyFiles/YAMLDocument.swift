package import JSON

extension JSONValue {
  /// What a YAML document says, numbers and texts as YAML 1.2 tells them apart.
  ///
  /// - Returns: nil for bytes that are no YAML, or more than one MiB.
  package init?(yaml bytes: [UInt8]) {
    guard
      let root = Result(catching: { () throws(LocatedFault) in try YAMLParser.parse(bytes) })
        .flatMap({ .success($0.json()) }).success
    else { return nil }
    self = root
  }
}

extension Result {
  fileprivate var success: Success? {
    if case .success(let value) = self { value } else { nil }
  }
}
