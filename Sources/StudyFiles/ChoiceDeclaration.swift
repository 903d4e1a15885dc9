internal import StudyModel

/// Choices as they stand in the file: a list, or a mapping of each to its weight.
struct ChoiceDeclaration {
  private let node: YAMLNode
  private var choices: [ParameterValue] = []
  private var spellings: [String?] = []
  private var weights: [Double] = []
  /// What a refusal of the weights is located at.
  private var weightsNode: YAMLNode?
  private var isOrdered = false

  /// A single value.
  init(constant node: YAMLNode, _ what: String) throws(LocatedFault) {
    self.node = node
    let (value, spelling) = try node.choiceValue(what)
    (choices, spellings) = ([value], [spelling])
  }

  /// A list, or a mapping of choices to weights.
  init(_ node: YAMLNode, _ what: String) throws(LocatedFault) {
    self.node = node
    switch node.content {
    case .scalar: throw node.fault("the choices of \(what) are \(node.summary); give a list")
    case .sequence(let elements):
      for element in elements {
        let (value, spelling) = try element.choiceValue("a choice of \(what)")
        guard !choices.contains(value) else {
          throw element.fault("\(what) has the choice \(element.summary) twice; remove one")
        }
        choices.append(value)
        spellings.append(spelling)
      }
    case .mapping(let entries):
      weightsNode = node
      for entry in entries {
        // A key is what it would be in a list without quotes.
        let scalar = YAMLScalar(text: entry.key, isPlain: true, tag: nil)
        let value = scalar.value
        guard !choices.contains(value) else {
          throw LocatedFault(
            location: entry.keyLocation,
            problem: "\(what) has the choice \(shortened(entry.key)) twice; remove one")
        }
        choices.append(value)
        spellings.append(scalar.spelling(of: value))
        weights.append(
          try entry.value.number("the weight of '\(shortened(entry.key))' in \(what)"))
      }
    }
  }

  /// Takes up `ordered` and `weights`.
  mutating func read(
    ordered: YAMLNode?, weights list: YAMLNode?, _ what: String
  ) throws(LocatedFault) {
    isOrdered = try ordered?.flag("'ordered' of \(what)") ?? false
    guard let list else { return }
    guard weights.isEmpty else {
      throw list.fault("\(what) has weights beside its choices and in 'weights'; remove one")
    }
    weightsNode = list
    for element in list.elements { weights.append(try element.number("a weight of \(what)")) }
  }

  func distribution(_ what: String) throws(LocatedFault) -> Distribution {
    do {
      return .categorical(
        try CategoricalDistribution(
          choices,
          traits: ChoiceTraits(isOrdered: isOrdered, weights: weights, spellings: spellings)))
    } catch {
      guard case .badWeights = error else { throw node.fault("\(what): \(error)") }
      throw (weightsNode ?? node).fault("\(what): \(error)")
    }
  }
}
