/// An image in which a study's trials run.
package struct ContainerSetting: Sendable, Hashable {
  /// The image's name, as the engine knows it.
  package let image: String
  /// The engine's program with the options that stand before its verb; empty for podman or docker,
  /// whichever is there.
  package let engine: [String]
  /// Folders of the machine that the container sees: `HOST:CONTAINER` or `HOST:CONTAINER:OPTIONS`,
  /// relative to the study file's folder.
  package let mounts: [String]
  /// How much memory it may have, in bytes; nil for no limit.
  package let memory: Int?
  /// How much processor time it may have, in processors; nil for no limit.
  package let processors: Double?
  /// Which graphics processors it sees, in the engine's words; nil for none.
  package let gpus: String?
  /// The engine's name of a network; nil for the engine's own choice.
  package let network: String?
  /// The folder in the container in which the command runs; nil for the image's.
  package let workingFolder: String?
  /// Further options of the engine's `run`.
  package let options: [String]
  /// Where it stands in the study file.
  package let location: SourceLocation?
}

extension ContainerSetting {
  /// Reads `container:`, which is a mapping or an image's name.
  init(reading node: YAMLNode) throws(LocatedFault) {
    location = node.location
    var fields: Fields?
    if case .mapping = node.content {
      fields = try Fields(
        node, in: "'container'",
        known: [
          "image", "engine", FieldName("mounts", "volumes"), "memory", "cpus", "gpus", "network",
          FieldName("workdir", "working_dir"), "options",
        ])
    }
    guard let imageNode = fields.map({ $0["image"] }) ?? node else {
      throw node.fault("'container' has no image; add one, such as image: python:3.12-slim")
    }
    image = try imageNode.text("'image' of 'container'")
    guard !image.hasPrefix("-") else {
      throw imageNode.fault("'image' of 'container' is \(imageNode.summary); give an image's name")
    }
    engine = try Self.words(fields?["engine"], "'engine' of 'container'")
    mounts = try Self.mounts(fields?["mounts"])
    memory = try fields?["memory"]?.byteCount("'memory' of 'container'")
    processors = try fields?["cpus"].map { (node) throws(LocatedFault) in
      let number = try node.number("'cpus' of 'container'")
      guard number > 0, number <= 65_536 else {
        throw node.fault("'cpus' of 'container' is \(node.summary); give a number above 0")
      }
      return number
    }
    gpus = try fields?["gpus"]?.text("'gpus' of 'container'")
    network = try fields?["network"]?.text("'network' of 'container'")
    workingFolder = try fields?["workdir"].map { (node) throws(LocatedFault) in
      let path = try node.text("'workdir' of 'container'")
      guard path.hasPrefix("/") else {
        throw node.fault("'workdir' of 'container' is \(node.summary); give a path from / on")
      }
      return path
    }
    options = try Self.words(fields?["options"], "'options' of 'container'")
  }

  private static func words(
    _ node: YAMLNode?, _ what: String
  ) throws(LocatedFault) -> [String] {
    guard let node else { return [] }
    var words: [String] = []
    for element in node.elements { words.append(try element.text("a word of \(what)")) }
    return words
  }

  private static func mounts(_ node: YAMLNode?) throws(LocatedFault) -> [String] {
    guard let node else { return [] }
    var mounts: [String] = []
    for element in node.elements {
      let mount = try element.text("a mount of 'container'")
      let parts = mount.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2 || parts.count == 3, !parts[0].isEmpty, parts[1].hasPrefix("/") else {
        throw element.fault(
          "'mounts' of 'container' has '\(shortened(mount))'; give HOST:CONTAINER, such as "
            + "./data:/data:ro, with a path from / on in the container")
      }
      mounts.append(mount)
    }
    return mounts
  }
}
