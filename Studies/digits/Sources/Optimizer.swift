internal import LinearAlgebra
internal import System

/// Changes a network's parameters along its gradients.
///
/// Weights decay apart from the gradient, as a fraction `learningRate · weightDecay` per step:
/// Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithms 1 and 2.
struct Optimizer {
  private let options: Options
  private var steps = 0
  /// The running means of the gradients and of their squares; weights and bias of each layer in
  /// turn.
  private var means: [[Double]] = []
  private var squares: [[Double]] = []

  init(_ options: Options) {
    self.options = options
  }

  /// Takes one step down the gradient.
  mutating func step(
    _ network: inout Network, along gradient: [(weights: Matrix, bias: Matrix)]
  ) {
    if steps == 0 {
      means = gradient.flatMap { layer in
        [layer.weights, layer.bias].map { [Double](repeating: 0, count: $0.elements.count) }
      }
      squares = means
    }
    steps += 1
    for (index, layer) in gradient.enumerated() {
      update(
        &network.parameters[index].weights.elements, 2 * index, along: layer.weights.elements,
        decay: 1 - options.learningRate * options.weightDecay)
      update(
        &network.parameters[index].bias.elements, 2 * index + 1, along: layer.bias.elements,
        decay: 1)
    }
  }

  private mutating func update(
    _ values: inout [Double], _ place: Int, along gradient: [Double], decay: Double
  ) {
    switch options.optimizer {
    case .sgd:
      for i in values.indices {
        means[place][i] = options.momentum * means[place][i] + gradient[i]
        values[i] = decay * values[i] - options.learningRate * means[place][i]
      }
    case .adam:
      // Kingma and Ba, "Adam", ICLR 2015, algorithm 1, with its default β₁, β₂ and ε.
      let (beta1, beta2) = (0.9, 0.999)
      let scale1 = 1 / (1 - pow(beta1, Double(steps)))
      let scale2 = 1 / (1 - pow(beta2, Double(steps)))
      for i in values.indices {
        means[place][i] = beta1 * means[place][i] + (1 - beta1) * gradient[i]
        squares[place][i] = beta2 * squares[place][i] + (1 - beta2) * gradient[i] * gradient[i]
        let step = means[place][i] * scale1 / ((squares[place][i] * scale2).squareRoot() + 1e-8)
        values[i] = decay * values[i] - options.learningRate * step
      }
    }
  }
}
