extension AlgorithmSetting {
  /// Reads a setting from JSON, which is YAML too: a name, or an object of `name` and options.
  ///
  /// - Throws: ``StudyFileError`` with `source` as its path, for an unknown name or option.
  package init(_ kind: Kind, json: String, source: String) throws(StudyFileError) {
    do {
      self = try AlgorithmSetting(
        kind, reading: try YAMLParser.parse(Array(json.utf8)), path: source)
    } catch {
      throw StudyFileError(path: source, location: nil, problem: error.problem)
    }
  }
}
