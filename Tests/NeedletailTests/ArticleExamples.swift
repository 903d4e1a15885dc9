import Needletail

/// The code of the articles in Sources/Needletail/Needletail.docc, between `// <name of article>`
/// and `// end`; a test compares the two, others run it.
enum ArticleExamples {
  struct Boiled: Error {}

  static func firstStudy(store: StoreLocation) async throws -> String? {
    // FirstStudy
    let study = try Study.create(
      "yield", directions: [.maximize], store: store, seed: 7, ifExists: .load)

    try await study.optimize(trials: 60, workers: 2) { trial in
      let temperature = try trial.suggestFloat("temperature", 20...120)
      let pressure = try trial.suggestFloat("pressure", 1...100, log: true)
      guard temperature * pressure < 9_000 else { throw Boiled() }
      return 100 - abs(temperature - 80) / 2 - abs(pressure - 20)
    }
    // end
    try lookAt(study)
    // FirstStudy
    let page = try study.plot(.history).html()
    // end
    // FirstStudy
    try await study.optimize(
      timeout: .seconds(2),
      callbacks: [
        { study, trial in
          if let value = trial.values.first, value > 95 { study.stop() }
        }
      ]
    ) { trial in
      let temperature = try trial.suggestFloat("temperature", 20...120)
      return 100 - abs(temperature - 80) / 2
    }
    // end
    return page
  }

  static func lookAt(_ study: Study) throws {
    // FirstStudy
    guard let best = try study.bestTrial else { return }
    print("trial \(best.number) yields \(best.values[0])")
    for parameter in best.parameters { print("  \(parameter.name) = \(parameter.value)") }

    for share in try study.importances().entries {
      print("\(share.parameter) explains \(share.importance)")
    }
    // end
  }

  static func paraboloid(store: StoreLocation) async throws -> Study {
    // Needletail
    let study = try Study.create("paraboloid", store: store, ifExists: .load)
    try await study.optimize(trials: 100, workers: 2) { trial in
      let x = try trial.suggestFloat("x", -10...10)
      return (x - 2) * (x - 2)
    }
    // end
    return study
  }

  static func dependent(_ study: Study) async throws {
    // DefineByRun
    try await study.optimize(trials: 40) { trial in
      let layers = try trial.suggestInt("layers", 1...3)
      var loss = abs(Double(layers) - 2)
      for layer in 0..<layers {
        let units = try trial.suggestInt("units_\(layer)", 8...256, log: true)
        loss += abs(Double(units) - 64) / 256
      }
      if try trial.suggestCategorical("optimizer", ["sgd", "adam"]) == "sgd" {
        loss += abs(try trial.suggestFloat("momentum", 0...0.99) - 0.9)
      }
      return loss
    }
    // end
  }

  static func curves(store: StoreLocation) async throws -> Study {
    // DefineByRun
    let study = try Study.create(
      "curves", store: store, pruner: try SuccessiveHalvingPruner(), seed: 1)
    try await study.optimize(trials: 30) { trial in
      let rate = try trial.suggestFloat("rate", 1e-3...1, log: true)
      var loss = 1.0
      for epoch in 1...20 {
        loss *= 1 - rate * 0.2
        try trial.report(loss, step: epoch)
        if try trial.shouldPrune { throw TrialPruned() }
      }
      return loss
    }
    // end
    return study
  }

  static func tradeoff(store: StoreLocation) async throws -> Study {
    // DefineByRun
    let study = try Study.create(
      "tradeoff", directions: [.minimize, .maximize], store: store, seed: 1)
    try await study.optimize(trials: 30) { trial in
      let size = try trial.suggestFloat("size", 1...100)
      try trial.setConstraint("budget", size - 80)
      return [size, 1 - 1 / size]
    }
    // end
    return study
  }

  static func ownLoop(_ study: Study) throws {
    // DefineByRun
    for _ in 0..<10 {
      let trial = try study.ask()
      let x = try trial.suggestFloat("x", 0...1)
      if x < 0.05 {
        try study.tellFailed(trial, because: "too small to measure")
      } else {
        try study.tell(trial, x + 1 / x)
      }
    }
    // end
    // DefineByRun
    try study.enqueue(["x": 0.5])
    // end
  }

  // ManyMachines
  static func work(on store: StoreLocation) async throws {
    let study = try Study.create("shared", store: store, ifExists: .load)
    try await study.optimize(trials: 20) { trial in
      let x = try trial.suggestFloat("x", -5...5)
      return x * x
    }
  }
  // end

  static func access(token: String) -> StoreLocation {
    // ManyMachines
    var access = CoordinatorAccess("https://head:7654")
    access.token = token
    access.certificateAuthority = "head.pem"
    let store = StoreLocation.coordinator(access)
    // end
    return store
  }

  static func askOnce(_ study: Study) throws {
    // ManyMachines
    do {
      let trial = try study.ask()
      try study.tell(trial, try trial.suggestFloat("x", -5...5))
    } catch let halted as StudyHalted {
      print("not now: \(halted)")
    }
    // end
  }
}
