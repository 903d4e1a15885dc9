internal import LinearAlgebra
internal import Probability
internal import System

/// A multilayer perceptron with a softmax output. One column of a matrix is one image.
struct Network {
  /// `W` (outputs × inputs) and `b` (outputs × 1) of each layer, the input's first.
  var parameters: [(weights: Matrix, bias: Matrix)] = []
  let activation: Options.Activation
  let dropout: Double

  /// Draws weights of variance 2 / (inputs + outputs): Glorot and Bengio, "Understanding the
  /// Difficulty of Training Deep Feedforward Neural Networks", AISTATS 2010, eq. 16.
  init(_ options: Options, using generator: inout TrialGenerator) {
    activation = options.activation
    dropout = options.dropout
    let hidden = [Int](repeating: options.hiddenUnits, count: options.layers)
    let sizes = [Dataset.pixelCount] + hidden + [Dataset.classCount]
    for (inputs, outputs) in zip(sizes, sizes.dropFirst()) {
      let bound = (6 / Double(inputs + outputs)).squareRoot()
      let weights = (0..<inputs * outputs).map { _ in generator.uniform(-bound, bound) }
      parameters.append(
        (Matrix(rows: outputs, columns: inputs, elements: weights), Matrix(zeros: outputs, 1)))
    }
  }

  /// The outputs before the softmax, without dropout.
  func outputs(for pixels: Matrix) -> Matrix {
    var signal = pixels
    for (index, layer) in parameters.enumerated() {
      signal = Self.apply(layer, to: signal)
      if index < parameters.count - 1 { activate(&signal) }
    }
    return signal
  }

  /// The fraction of images whose largest output is their label's.
  func accuracy(on data: Dataset) -> Double {
    let outputs = outputs(for: data.pixels)
    let correct = data.labels.indices.count { image in
      let column = outputs.column(image)
      let best = column.indices.max { column[$0] < column[$1] } ?? column.startIndex
      return best - column.startIndex == data.labels[image]
    }
    return Double(correct) / Double(data.labels.count)
  }

  /// The mean cross-entropy of a batch and its gradient with respect to ``parameters``.
  ///
  /// Hidden units are dropped with probability `dropout` and the others scaled up in turn:
  /// Srivastava et al., "Dropout", JMLR 2014, §10.
  func lossAndGradient(
    on batch: Dataset, using generator: inout TrialGenerator
  ) -> (loss: Double, gradient: [(weights: Matrix, bias: Matrix)]) {
    var signals = [batch.pixels]
    var masks: [[Double]] = []
    for layer in parameters.dropLast() {
      var signal = Self.apply(layer, to: signals[signals.count - 1])
      activate(&signal)
      signals.append(signal)
      guard dropout > 0 else { continue }
      let mask = signal.elements.indices.map { _ in
        generator.uniform() < dropout ? 0 : 1 / (1 - dropout)
      }
      for i in mask.indices { signals[signals.count - 1].elements[i] *= mask[i] }
      masks.append(mask)
    }
    var error = Self.apply(parameters[parameters.count - 1], to: signals[signals.count - 1])
    let loss = Self.formSoftmaxError(&error, labels: batch.labels)

    var gradient: [(weights: Matrix, bias: Matrix)] = []
    for index in parameters.indices.reversed() {
      let bias = Matrix(rows: error.rows, columns: 1, elements: error.rowSums())
      gradient.append((Matrix.product(error, signals[index], transposing: .second), bias))
      guard index > 0 else { break }
      error = Matrix.product(parameters[index].weights, error, transposing: .first)
      let mask = dropout > 0 ? masks[index - 1] : []
      multiply(&error, bySlopeAt: signals[index], mask: mask)
    }
    return (loss, gradient.reversed())
  }

  private static func apply(
    _ layer: (weights: Matrix, bias: Matrix), to signal: Matrix
  ) -> Matrix {
    var result = Matrix.product(layer.weights, signal)
    result.addToColumns(layer.bias.elements)
    return result
  }

  private func activate(_ signal: inout Matrix) {
    for i in signal.elements.indices {
      let x = signal.elements[i]
      signal.elements[i] =
        switch activation {
        case .relu: max(0, x)
        case .tanh: tanh(x)
        case .sigmoid: 1 / (1 + exp(-x))
        }
    }
  }

  /// Multiplies by the slope of the activation, which is a function of its value.
  ///
  /// - Parameters:
  ///   - signal: What left the layer; where a mask was applied, after it.
  ///   - mask: The factors of dropout, which are constants here; empty without dropout.
  private func multiply(_ error: inout Matrix, bySlopeAt signal: Matrix, mask: [Double]) {
    for i in error.elements.indices {
      let factor = mask.isEmpty ? 1 : mask[i]
      guard factor > 0 else {
        error.elements[i] = 0
        continue
      }
      let y = signal.elements[i] / factor
      let slope: Double =
        switch activation {
        case .relu: y > 0 ? 1 : 0
        case .tanh: 1 - y * y
        case .sigmoid: y * (1 - y)
        }
      error.elements[i] *= slope * factor
    }
  }

  /// Replaces outputs by the gradient of the mean cross-entropy, `(softmax − one-hot) / images`,
  /// and returns the mean cross-entropy.
  private static func formSoftmaxError(_ outputs: inout Matrix, labels: [Int]) -> Double {
    var loss = 0.0
    for (image, label) in labels.enumerated() {
      let places = image * outputs.rows..<(image + 1) * outputs.rows
      let peak = places.reduce(-Double.infinity) { max($0, outputs.elements[$1]) }
      let sum = places.reduce(0) { $0 + exp(outputs.elements[$1] - peak) }
      loss += peak + log(sum) - outputs.elements[places.lowerBound + label]
      for place in places {
        let probability = exp(outputs.elements[place] - peak) / sum
        let target = place - places.lowerBound == label ? 1.0 : 0
        outputs.elements[place] = (probability - target) / Double(labels.count)
      }
    }
    return loss / Double(labels.count)
  }
}
