/// What choices have beside their values: an order, weights, and how they were spelled.
public struct ChoiceTraits: Sendable {
  /// In one place of the memory, so that distributions stay small.
  private final class Storage: Sendable {
    let isOrdered: Bool
    let weights: [Double]
    let spellings: [String?]

    init(_ isOrdered: Bool, _ weights: [Double], _ spellings: [String?]) {
      self.isOrdered = isOrdered
      self.weights = weights
      self.spellings = spellings
    }
  }

  private let storage: Storage

  /// Whether neighbours in the list are alike, as 16, 32 and 64 are: samplers then work on the
  /// place in the list as on a whole number.
  public var isOrdered: Bool { storage.isOrdered }
  /// How likely each choice is before anything is known; they add up to 1. None: all alike.
  public var weights: [Double] { storage.weights }
  /// How a command line shall spell each choice, such as `1e-4` or `True`; nil as usual. None: all
  /// as usual.
  public var spellings: [String?] { storage.spellings }

  /// Creates the traits; a ``CategoricalDistribution`` checks them.
  public init(isOrdered: Bool = false, weights: [Double] = [], spellings: [String?] = []) {
    storage = Storage(isOrdered, weights, spellings.contains { $0 != nil } ? spellings : [])
  }

  /// Whether they say nothing.
  var isEmpty: Bool { !isOrdered && weights.isEmpty && spellings.isEmpty }

  /// By how much weights may miss 1.
  static let tolerance = 1e-6

  /// Refuses weights and spellings that do not go with so many choices.
  func check(choiceCount: Int) throws(SearchSpaceError) {
    guard spellings.isEmpty || spellings.count == choiceCount else {
      throw .badWeights("\(spellings.count) spellings do not go with \(choiceCount) choices")
    }
    guard !weights.isEmpty else { return }
    guard weights.count == choiceCount else {
      throw .badWeights(
        "\(weights.count) weights do not go with \(choiceCount) choices; give one for each")
    }
    if let bad = weights.first(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .badWeights("the weight \(bad) is not a number from 0 to 1; give another")
    }
    let sum = weights.reduce(0, +)
    guard abs(sum - 1) <= Self.tolerance else {
      throw .badWeights(
        "the weights add up to \(sum.text(significantDigits: 6)); make that 1")
    }
  }
}

extension ChoiceTraits: Hashable {
  public static func == (left: Self, right: Self) -> Bool {
    left.storage === right.storage
      || left.isOrdered == right.isOrdered && left.weights == right.weights
        && left.spellings == right.spellings
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(isOrdered)
    hasher.combine(weights)
    hasher.combine(spellings)
  }
}
