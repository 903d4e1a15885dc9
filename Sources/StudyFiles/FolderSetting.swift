/// A folder by which another program gets a study's trials and gives their results.
package struct FolderSetting: Sendable, Hashable {
  /// Relative to the study file's folder.
  package let folder: String
  /// How often it is looked into.
  package let interval: Duration
  /// Where it stands in the study file.
  package let location: SourceLocation?

  /// Reads `file:`, which is a mapping or a folder alone.
  init(reading node: YAMLNode) throws(LocatedFault) {
    location = node.location
    guard case .mapping = node.content else {
      folder = try node.text("'file' of 'executor'")
      interval = Self.usual
      return
    }
    let fields = try Fields(
      node, in: "'file'", known: [FieldName("folder", "path"), FieldName("interval", "poll")])
    guard let path = fields["folder"] else {
      throw node.fault("'file' has no folder; add one, such as folder: exchange")
    }
    folder = try path.text("'folder' of 'file'")
    interval = try fields["interval"]?.duration("'interval' of 'file'") ?? Self.usual
  }

  private static let usual: Duration = .milliseconds(500)
}
