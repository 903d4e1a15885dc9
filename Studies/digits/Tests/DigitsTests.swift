import Foundation
import LinearAlgebra
import Probability
import Testing

@testable import digits

/// The folder of the study.
private let folder = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent()

private func images() throws -> Dataset {
  try Dataset(path: folder.appending(path: "digits.csv.gz").path)
}

@Suite struct DatasetTests {
  /// The counts that scikit-learn 1.9.1 gives: `numpy.bincount(load_digits().target)`.
  static let counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]

  @Test func holdsAllImages() throws {
    let data = try images()
    #expect((0..<10).map { digit in data.labels.count { $0 == digit } } == Self.counts)
    // load_digits().data.sum() is 561718, of pixels in 0…16.
    #expect(data.pixels.elements.reduce(0, +) * 16 == 561_718)
  }

  @Test func splitsEachDigitAlike() throws {
    let (training, validation) = try images().split()
    for (digit, count) in Self.counts.enumerated() {
      #expect(validation.labels.count { $0 == digit } == count / 5)
      #expect(training.labels.count { $0 == digit } == count - count / 5)
    }
    let total = (training.pixels.elements + validation.pixels.elements).reduce(0, +)
    #expect(total * 16 == 561_718)
  }

  @Test("a damaged file is refused", arguments: ["missing", "cut", "pixels", "empty"])
  func refusesDamage(kind: String) throws {
    let path = FileManager.default.temporaryDirectory
      .appending(path: "digits-\(kind)-\(ProcessInfo.processInfo.processIdentifier)").path
    let whole = try Data(contentsOf: folder.appending(path: "digits.csv.gz"))
    let contents: Data? =
      switch kind {
      case "cut": whole.prefix(20_000)
      case "pixels": Data("1,2,3\n".utf8)
      case "empty": Data()
      default: nil
      }
    try contents?.write(to: URL(filePath: path))
    defer { unlink(path) }
    let error = #expect(throws: DigitsError.self) { try Dataset(path: path) }
    #expect(error?.description.contains(path) == true)
    #expect(error?.exitCode == 2)
  }
}

@Suite struct NetworkTests {
  /// Central differences with step 1e-5 have errors of about 1e-10 here.
  @Test(
    "the gradient is that of the loss", arguments: Options.Activation.allCases, [0, 0.4])
  func gradient(activation: Options.Activation, dropout: Double) throws {
    var options = Options()
    (options.activation, options.dropout) = (activation, dropout)
    (options.layers, options.hiddenUnits) = (2, 7)
    var generator = TrialGenerator(seed: 3, trial: 0)
    var network = Network(options, using: &generator)
    let batch = try images().selecting(Array(0..<12))
    let masks = generator  // the same units are dropped each time

    func loss(_ network: Network) -> Double {
      var copy = masks
      return network.lossAndGradient(on: batch, using: &copy).loss
    }
    let (_, gradient) = network.lossAndGradient(on: batch, using: &generator)
    let step = 1e-5
    for (index, layer) in gradient.enumerated() {
      for place in stride(from: 0, to: layer.weights.elements.count, by: 5) {
        let kept = network.parameters[index].weights.elements[place]
        network.parameters[index].weights.elements[place] = kept + step
        let above = loss(network)
        network.parameters[index].weights.elements[place] = kept - step
        let below = loss(network)
        network.parameters[index].weights.elements[place] = kept
        #expect(abs((above - below) / (2 * step) - layer.weights.elements[place]) < 1e-8)
      }
      for place in layer.bias.elements.indices {
        var (more, less) = (network, network)
        more.parameters[index].bias.elements[place] += step
        less.parameters[index].bias.elements[place] -= step
        let slope = (loss(more) - loss(less)) / (2 * step)
        #expect(abs(slope - layer.bias.elements[place]) < 1e-8)
      }
    }
  }

  @Test("learns, and alike for one seed", arguments: Options.Optimizer.allCases)
  func learns(optimizer: Options.Optimizer) throws {
    var options = Options()
    options.optimizer = optimizer
    options.learningRate = optimizer == .adam ? 0.003 : 0.05
    let data = try images()
    func accuracies(seed: UInt64) -> [Double] {
      var training = Training(options, on: data, seed: seed)
      return (0..<3).map { _ in training.runEpoch() }
    }
    let first = accuracies(seed: 1)
    #expect(first[2] > 0.9)
    #expect(accuracies(seed: 1) == first)
    #expect(accuracies(seed: 2) != first)
  }
}

@Suite struct OptimizerTests {
  private static func network(_ options: Options) -> Network {
    var generator = TrialGenerator(seed: 0, trial: 0)
    var network = Network(options, using: &generator)
    network.parameters = [(Matrix([1, -2]), Matrix([3]))]
    return network
  }

  /// Two steps worked out by hand from the update rules.
  @Test func followsMomentum() {
    var options = Options()
    (options.optimizer, options.learningRate) = (.sgd, 0.5)
    (options.momentum, options.weightDecay) = (0.5, 0.2)
    var network = Self.network(options)
    var optimizer = Optimizer(options)
    let gradient = [(weights: Matrix([1, 0]), bias: Matrix([2]))]
    optimizer.step(&network, along: gradient)  // 0.9 · 1 − 0.5 · 1, 0.9 · −2, 3 − 0.5 · 2
    #expect(
      network.parameters[0].weights.elements.map { ($0 * 1e9).rounded() / 1e9 } == [0.4, -1.8])
    #expect(network.parameters[0].bias.elements == [2])
    optimizer.step(&network, along: gradient)  // 0.9 · 0.4 − 0.5 · 1.5, 0.9 · −1.8, 2 − 0.5 · 3
    #expect(
      network.parameters[0].weights.elements.map { ($0 * 1e9).rounded() / 1e9 } == [-0.39, -1.62])
    #expect(network.parameters[0].bias.elements == [0.5])
  }

  /// With a constant gradient each step of Adam is the learning rate in its direction.
  @Test func followsAdam() {
    var options = Options()
    (options.learningRate, options.weightDecay) = (0.25, 0)
    var network = Self.network(options)
    var optimizer = Optimizer(options)
    for _ in 0..<4 {
      optimizer.step(&network, along: [(weights: Matrix([10, -0.1]), bias: Matrix([0]))])
    }
    let weights = network.parameters[0].weights.elements
    #expect(abs(weights[0]) < 1e-6 && abs(weights[1] + 1) < 1e-6)  // ε moves them by 1e-8 / |g|
    #expect(network.parameters[0].bias.elements == [3])
  }
}

extension Matrix {
  /// A matrix of one row.
  fileprivate init(_ row: [Double]) {
    self.init(rows: 1, columns: row.count, elements: row)
  }
}

@Suite struct OptionsTests {
  @Test func readsWords() throws {
    let options = try Options([
      "--learning_rate=1e-2", "--hidden_units=16", "--optimizer=sgd", "--momentum=0.5",
    ])
    #expect(options.learningRate == 0.01)
    #expect(options.hiddenUnits == 16)
    #expect(options.optimizer == .sgd)
    #expect(options.momentum == 0.5)
    #expect(options.batchSize == Options().batchSize)
  }

  @Test(
    "wrong words are named",
    arguments: [
      "--learning_rate=0", "--learning_rate=nan", "--batch_size=1.5", "--optimizer=rmsprop",
      "--dropout=1", "--layers=99999999999999999999", "--colour=red", "adam", "--epochs",
    ])
  func refuses(word: String) {
    let error = #expect(throws: DigitsError.self) { try Options([word]) }
    let name = word.split(separator: "=")[0]
    #expect(error?.description.contains(name) == true)
    #expect(error?.exitCode == 64)
  }
}
