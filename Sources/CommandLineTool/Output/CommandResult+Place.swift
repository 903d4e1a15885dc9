internal import Objectives

extension CommandResult {
  /// Behind why a trial failed: where its files are, if it has some.
  var place: String { hasFiles ? "; what it printed is in \(folder.printable)" : "" }
}
