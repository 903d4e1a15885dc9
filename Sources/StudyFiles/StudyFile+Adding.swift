internal import JSON
package import StudyModel

extension StudyFile {
  /// The file with what a command line says of what it lacks.
  ///
  /// - Throws: ``StudyFileError`` when the file says that already, or is JSON, which has no room
  ///   behind its end.
  package func adding(
    metric: String?, direction: Direction?, command: [String]
  ) throws(StudyFileError) -> StudyFile {
    func fault(_ problem: String) -> StudyFileError {
      StudyFileError(path: path, location: nil, problem: problem)
    }
    guard text.first(where: { !$0.isWhitespace }) != "{" else {
      throw fault("a JSON file takes nothing from the command line; write it into the file")
    }
    var lines: [String] = []
    if metric != nil || direction != nil {
      guard objectives.count == 1, objectives[0].name == "objective" else {
        throw fault("the file has its metric already; remove --metric and --direction, or that")
      }
      if let metric { lines.append("metric: \(JSONValue.string(metric).readableText)") }
      if let direction { lines.append("direction: \(direction.rawValue)") }
    }
    if !command.isEmpty {
      guard self.command == nil else {
        throw fault("the file has a command already; remove that, or the one behind '--'")
      }
      let words = command.map { JSONValue.string($0).readableText }
      lines.append("command: [\(words.joined(separator: ", "))]")
    }
    let end = text.hasSuffix("\n") ? "" : "\n"
    return try StudyFile(text: text + end + lines.joined(separator: "\n") + "\n", path: path)
  }
}
