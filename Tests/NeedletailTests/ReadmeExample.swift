import Needletail

/// The README's library example, word for word between the markers; a test compares the two.
func tuneParaboloid(store: StoreLocation) async throws -> Trial? {
  // README begin
  let study = try Study.create("paraboloid", store: store, ifExists: .load)

  try await study.optimize(trials: 100, workers: 2) { trial in
    let x = try trial.suggestFloat("x", -10...10)
    let rate = try trial.suggestFloat("rate", 1e-5...1e-1, log: true)
    let layers = try trial.suggestInt("layers", 1...3)
    var loss = (x - 2) * (x - 2) + Double(layers)
    if try trial.suggestCategorical("optimizer", ["sgd", "adam"]) == "sgd" {
      loss += try trial.suggestFloat("momentum", 0...0.99)  // only asked for with sgd
    }
    for epoch in 0..<10 {
      loss *= 1 - rate
      try trial.report(loss, step: epoch)
      if try trial.shouldPrune { throw TrialPruned() }
    }
    return loss
  }

  if let best = try study.bestTrial {
    print("trial \(best.number): \(best.values) with \(best.parameters.map(\.value))")
  }
  // README end
  return try study.bestTrial
}
