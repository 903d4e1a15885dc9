package import StudyModel

/// A sampler or a pruner by its name, with the options that were given for it; checked for unknown
/// names and options and for their types.
package struct AlgorithmSetting: Sendable {
  /// Which of a study's two algorithms it is.
  package enum Kind: String, Sendable {
    case sampler, pruner
  }

  /// One option.
  package struct Option: Sendable {
    /// The name by which we know it, such as `startup_trials`.
    package let name: String
    /// Of the type that the option takes.
    package let value: ParameterValue
    /// Where it stands in the study file; nil when it came from elsewhere.
    package let location: SourceLocation?
  }

  /// Which algorithm the name is looked up among.
  package let kind: Kind
  /// The name by which we know it, such as `tpe`.
  package let name: String
  /// In the order in which they were given; each name once.
  package let options: [Option]
  /// The file it came from, for messages.
  package let path: String
  /// Where the name stands; nil when it came from elsewhere.
  package let location: SourceLocation?

  /// The setting that a name alone stands for, as on a command line.
  ///
  /// - Throws: ``StudyFileError`` with `source` as its path, for an unknown name.
  package init(_ kind: Kind, named name: String, source: String) throws(StudyFileError) {
    do {
      let known = try AlgorithmDescription.find(kind, named: name, at: nil)
      self.init(
        kind: kind, name: known.description.name, options: known.implied, path: source,
        location: nil)
    } catch {
      throw StudyFileError(path: source, location: nil, problem: error.problem)
    }
  }

  private init(
    kind: Kind, name: String, options: [Option], path: String, location: SourceLocation?
  ) {
    self.kind = kind
    self.name = name
    self.options = options
    self.path = path
    self.location = location
  }

  /// Reads a name, or a mapping with `name` (or `type`) and options.
  init(_ kind: Kind, reading node: YAMLNode, path: String) throws(LocatedFault) {
    let what = "'\(kind.rawValue)'"
    guard case .mapping(let entries) = node.content else {
      guard case .scalar(let scalar) = node.content else {
        throw node.fault("\(what) is \(node.summary); give a name, or a mapping with 'name'")
      }
      // Nothing is what `none`, `null` and `~` mean for a pruner.
      let name = scalar.isNull && kind == .pruner ? "none" : scalar.text
      let found = try AlgorithmDescription.find(kind, named: name, at: node.location)
      self.init(
        kind: kind, name: found.description.name, options: found.implied, path: path,
        location: node.location)
      return
    }
    let isName = { (entry: YAMLNode.Entry) in ["name", "type"].contains(plainName(entry.key)) }
    guard let nameEntry = entries.first(where: isName) else {
      throw node.fault("\(what) has no name; add 'name:' beside its options")
    }
    let name = try nameEntry.value.text("\(what) name")
    let found = try AlgorithmDescription.find(kind, named: name, at: nameEntry.value.location)
    var options: [Option] = []
    for entry in entries where !isName(entry) && !entry.value.isNull {
      let option = try found.description.option(entry)
      if let other = options.first(where: { $0.name == option.name }) {
        throw LocatedFault(
          location: entry.keyLocation,
          problem: "'\(entry.key)' repeats '\(other.name)' of \(kind) '\(name)'; remove one")
      }
      options.append(option)
    }
    let implied = found.implied.filter { given in !options.contains { $0.name == given.name } }
    self.init(
      kind: kind, name: found.description.name, options: implied + options, path: path,
      location: node.location)
  }

  /// The option's value as a whole number; nil when it was not given.
  package func integer(_ name: String) -> Int? {
    guard case .int(let value)? = self[name] else { return nil }
    return value
  }

  /// The option's value as a number; nil when it was not given.
  package func number(_ name: String) -> Double? { self[name]?.number }

  /// The option's value as a Boolean; nil when it was not given.
  package func flag(_ name: String) -> Bool? {
    guard case .bool(let value)? = self[name] else { return nil }
    return value
  }

  /// The option's value as a text; nil when it was not given.
  package func word(_ name: String) -> String? {
    guard case .string(let value)? = self[name] else { return nil }
    return value
  }

  /// The option's value as whole numbers; nil when it was not given.
  package func integers(_ name: String) -> [Int]? {
    word(name)?.split(separator: ",").compactMap { Int($0) }
  }

  private subscript(name: String) -> ParameterValue? {
    options.first { $0.name == name }?.value
  }
}
