/// What is tuned, and what stays fixed. Read from words such as `--learning_rate=0.01`.
struct Options: Equatable {
  enum Activation: String, CaseIterable {
    case relu, tanh, sigmoid
  }
  enum Optimizer: String, CaseIterable {
    case adam, sgd
  }

  var learningRate = 0.003
  var weightDecay = 1e-3
  var batchSize = 32
  var hiddenUnits = 64
  var layers = 1
  var activation = Activation.relu
  var optimizer = Optimizer.adam
  /// Read by the optimizer `sgd` only.
  var momentum = 0.9
  /// The fraction of hidden units left out of each training step.
  var dropout = 0.0
  var epochs = 40
  var data = "digits.csv.gz"

  init() {}

  /// Reads the words after the program's name; what they leave out keeps its default.
  init(_ words: [String]) throws(DigitsError) {
    for word in words {
      guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else {
        throw .usage("'\(word)' is no option; write --name=value")
      }
      let name = String(word[word.index(word.startIndex, offsetBy: 2)..<equals])
      try set(name, to: String(word[word.index(after: equals)...]))
    }
  }

  private mutating func set(_ name: String, to text: String) throws(DigitsError) {
    switch name {
    case "learning_rate": learningRate = try Self.number(text, name, 1e-9...100)
    case "weight_decay": weightDecay = try Self.number(text, name, 0...100)
    case "batch_size": batchSize = try Self.integer(text, name, 1...100_000)
    case "hidden_units": hiddenUnits = try Self.integer(text, name, 1...4096)
    case "layers": layers = try Self.integer(text, name, 1...16)
    case "activation": activation = try Self.choice(text, name)
    case "optimizer": optimizer = try Self.choice(text, name)
    case "momentum": momentum = try Self.number(text, name, 0...0.9999)
    case "dropout": dropout = try Self.number(text, name, 0...0.95)
    case "epochs": epochs = try Self.integer(text, name, 1...100_000)
    case "data": data = text
    default:
      throw .usage(
        "unknown option '--\(name)'; there are learning_rate, weight_decay, batch_size, "
          + "hidden_units, layers, activation, optimizer, momentum, dropout, epochs and data")
    }
  }

  private static func number(
    _ text: String, _ name: String, _ range: ClosedRange<Double>
  ) throws(DigitsError) -> Double {
    guard let value = Double(text), range.contains(value) else {
      throw .usage(
        "--\(name)=\(text) must be a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  private static func integer(
    _ text: String, _ name: String, _ range: ClosedRange<Int>
  ) throws(DigitsError) -> Int {
    guard let value = Int(text), range.contains(value) else {
      throw .usage(
        "--\(name)=\(text) must be an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ text: String, _ name: String
  ) throws(DigitsError) -> Choice {
    guard let value = Choice(rawValue: text) else {
      let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw .usage("--\(name)=\(text) must be one of \(choices)")
    }
    return value
  }
}
