internal import LinearAlgebra
internal import Probability

/// One training run.
struct Training {
  let options: Options
  let training: Dataset
  let validation: Dataset
  private var network: Network
  private var optimizer: Optimizer
  private var generator: TrialGenerator

  /// Prepares a run; all its random numbers follow from the seed.
  init(_ options: Options, on data: Dataset, seed: UInt64) {
    self.options = options
    (training, validation) = data.split()
    generator = TrialGenerator(seed: seed, trial: 0)
    network = Network(options, using: &generator)
    optimizer = Optimizer(options)
  }

  /// How many numbers the network learns.
  var weightCount: Int {
    network.parameters.reduce(0) { $0 + $1.weights.elements.count + $1.bias.elements.count }
  }

  /// Goes once over the training images in a new order and returns the validation accuracy.
  mutating func runEpoch() -> Double {
    let order = training.labels.indices.shuffled(with: &generator)
    for start in stride(from: 0, to: order.count, by: options.batchSize) {
      let batch = training.selecting(order[start..<min(start + options.batchSize, order.count)])
      let (_, gradient) = network.lossAndGradient(on: batch, using: &generator)
      optimizer.step(&network, along: gradient)
    }
    return network.accuracy(on: validation)
  }
}
