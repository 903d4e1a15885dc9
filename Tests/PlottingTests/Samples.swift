import Foundation
import JSON
import Plotting
import Probability
import StudyModel

/// Studies to draw.
enum Samples {
  /// A study with trials in every state, ten parameters and reports.
  static func study(
    _ count: Int, name: String = "digits", direction: Direction = .maximize, seed: UInt64 = 1,
    steps: Int = 0
  ) throws -> StudySeries {
    let rate = Distribution.float(try FloatDistribution(low: 1e-5, high: 0.1, log: true))
    let kind = Distribution.categorical(
      try CategoricalDistribution([.string("</script><b>"), .null, .bool(true), .float(.nan)]))
    let trials = (0..<count).map { number in
      var generator = TrialGenerator(seed: seed, trial: number)
      let quality = 0.97 - 0.5 * generator.uniform() / (1 + 5 * Double(number) / Double(count))
      let fate = generator.uniform()
      let state: TrialState =
        number == 0 || fate < 0.6
        ? .completed : fate < 0.9 ? .pruned : fate < 0.97 ? .failed : .running
      var trial = Trial(TrialReference(id: number + 1, number: number), state: state)
      if state == .completed { trial.values = [direction == .maximize ? quality : 1 - quality] }
      trial.parameters = (0..<9).map {
        ParameterAssignment("rate\($0)", rate, internalValue: generator.uniform(1e-5, 0.1))
      }
      trial.parameters.append(
        ParameterAssignment("kind", kind, internalValue: Double(generator.integer(below: 4))))
      let length = state == .completed ? steps : 1 + generator.integer(below: max(steps, 1))
      trial.intermediateValues = (0..<min(length, steps)).map {
        let noise = generator.uniform(-0.02, 0.02)
        return IntermediateValue(step: $0, value: quality * (1 - exp(-Double($0 + 1) / 4)) + noise)
      }
      return trial
    }
    return StudySeries(name: name, directions: [direction], trials: trials, metric: "accuracy")
  }

  /// Completed trials with these values.
  static func completed(
    _ values: [Double], name: String = "study", direction: Direction = .minimize
  ) -> StudySeries {
    let trials = values.enumerated().map { number, value in
      Trial(TrialReference(id: number + 1, number: number), state: .completed, values: [value])
    }
    return StudySeries(name: name, directions: [direction], trials: trials)
  }

  /// Trials in that state without values.
  static func unfinished(_ count: Int, state: TrialState) -> StudySeries {
    let trials = (0..<count).map { Trial(TrialReference(id: $0 + 1, number: $0), state: state) }
    return StudySeries(name: "study", directions: [.minimize], trials: trials)
  }

  static let hostileNames = [
    "<script>alert('x')</script>", "\"><svg onload=alert(1)>", "a & b ]]> --> '\"",
    "../../etc/passwd",
    "\u{0}\u{1}\u{B}\u{FFFE}\u{FFFF}\u{7F}\u{85}", "\u{202E}evil\u{2066}", "深層学習 🦜 e\u{301}",
    String(repeating: "long ", count: 120), "", "line\nbreak\ttab", "מחקר 7 دراسة",
    String(repeating: "10 kB of <b> ", count: 800),
  ]

  /// Figures of every kind and in every odd condition, by name.
  static func figures() throws -> [(name: String, figure: Figure)] {
    var figures: [(name: String, figure: Figure)] = []
    for count in [1, 3, 100, 1_500] {
      figures.append(("history \(count)", .history([try study(count, steps: 3)])))
      figures.append(("intermediate \(count)", .intermediate(try study(count, steps: 12))))
    }
    for name in hostileNames {
      figures.append(("history \(name)", .history([try study(5, name: name)])))
      figures.append(("intermediate \(name)", .intermediate(try study(5, name: name, steps: 3))))
    }
    figures.append(("all names", .history(try hostileNames.map { try study(20, name: $0) })))
    let odd: [(String, [Double])] = [
      ("constant", [0.5, 0.5, 0.5]), ("zero", [0, 0]), ("huge", [1e308, -1e308, 3]),
      ("tiny", [0.123456789, 0.12345679, 0.123456788]),
      ("subnormal", [.leastNonzeroMagnitude, .leastNormalMagnitude, 0]),
      ("not finite", [.infinity, 1, -.infinity, .nan]), ("large", [2.5e7, 3.1e7, 1.2e7]),
      ("next to each other", [1, 1.0.nextUp]), ("decades", [1e-300, 1, 1e300]), ("one", [7]),
    ]
    for (name, values) in odd {
      for scale in ValueScale.allCases {
        figures.append(("\(name) \(scale)", .history([completed(values)], scale: scale)))
        figures.append(
          ("\(name) \(scale), reported", .intermediate(reporting(values), scale: scale)))
      }
    }
    figures.append(("none", .history([])))
    figures.append(("empty", .history([completed([])])))
    figures.append(("two empty", .history([completed([]), completed([])])))
    figures.append(("empty, reported", .intermediate(completed([]))))
    figures.append(("all failed", .history([unfinished(9, state: .failed)])))
    figures.append(("all failed, reported", .intermediate(unfinished(9, state: .failed))))
    figures.append(("all running", .history([unfinished(2, state: .running)])))
    figures.append(("no such objective", .history([completed([1])], objective: 3)))
    return figures
  }

  /// A study of several objectives with every kind of parameter, conditions, constraints and rungs.
  static func varied(
    _ count: Int, objectives: Int = 1, name: String = "varied", parameter: String = "x",
    choices: [ParameterValue] = ["relu", "tanh", 3, nil], more: Int = 0
  ) throws -> StudySeries {
    let rate = Distribution.float(try FloatDistribution(low: 1e-6, high: 1, log: true))
    let layers = Distribution.int(try IntDistribution(low: 1, high: 5))
    let kind = Distribution.categorical(try CategoricalDistribution(choices))
    let plain = Distribution.float(try FloatDistribution(low: -1, high: 1))
    let trials = (0..<count).map { number in
      var generator = TrialGenerator(seed: 11, trial: number)
      let fate = generator.uniform()
      let state: TrialState =
        number < 2 || fate < 0.8
        ? .completed : fate < 0.9 ? .pruned : fate < 0.95 ? .failed : .running
      var trial = Trial(TrialReference(id: number + 1, number: number), state: state)
      let x = generator.uniform()
      trial.parameters = [
        ParameterAssignment(parameter, rate, internalValue: x * x + 1e-6),
        ParameterAssignment(
          "kind", kind, internalValue: Double(generator.integer(below: choices.count))),
      ]
      if number % 3 > 0 {
        trial.parameters.append(
          ParameterAssignment(
            "layers", layers, internalValue: Double(1 + generator.integer(below: 5))))
      }
      trial.parameters += (0..<more).map {
        ParameterAssignment("\(parameter)\($0)", plain, internalValue: generator.uniform(-1, 1))
      }
      if state == .completed {
        trial.values = (0..<objectives).map { index in
          index == 0 ? x + 0.01 : (1 - x) * (1 - x) * Double(index) + generator.uniform()
        }
      }
      if number % 5 == 4 { trial.systemAttributes = [Attribute("constraints", [0.5])] }
      for rung in 0..<generator.integer(below: 4) {
        trial.systemAttributes.append(Attribute("completed_rung_\(rung)", .float(x)))
      }
      let start = Timestamp(microseconds: 1_700_000_000_000_000 + Int64(number / 3) * 60_000_000)
      trial.startedAt = start
      if state.isFinished {
        trial.completedAt = start.advanced(by: .seconds(generator.uniform(0, 90)))
      }
      return trial
    }
    return StudySeries(
      name: name, directions: (0..<objectives).map { $0 == 1 ? .maximize : .minimize },
      trials: trials, metric: "loss")
  }

  /// Figures of all kinds, in many conditions, by name; made once.
  static let allKinds = Result { try makeAllKinds() }

  private static func makeAllKinds() throws -> [(name: String, figure: Figure)] {
    var studies: [(String, StudySeries)] = [
      ("empty", completed([])), ("one value", completed([3])),
      ("all failed", unfinished(9, state: .failed)), ("running", unfinished(2, state: .running)),
      ("not finite", completed([.infinity, -.infinity, .nan])),
      ("one trial", try varied(1)), ("three trials", try varied(3)), ("some", try varied(60)),
      ("two objectives", try varied(80, objectives: 2)),
      ("three objectives", try varied(80, objectives: 3)),
      ("five objectives", try varied(40, objectives: 5)),
      ("one category", try varied(20, choices: ["only"])),
      ("many parameters", try varied(30, more: 40)),
      ("long", try varied(2_500, objectives: 2)),
    ]
    var constant = try varied(20, objectives: 2)
    for index in constant.trials.indices {
      if !constant.trials[index].values.isEmpty { constant.trials[index].values = [1, 1] }
      constant.trials[index].parameters = constant.trials[0].parameters
      constant.trials[index].completedAt = constant.trials[index].startedAt
    }
    studies.append(("constant", constant))
    var huge = try varied(20, objectives: 2)
    let extremes = [1e308, -1e308, .leastNonzeroMagnitude, .infinity, 0, 1.7e308, -.infinity]
    for index in huge.trials.indices where !huge.trials[index].values.isEmpty {
      huge.trials[index].values = [extremes[index % 7], extremes[(index + 1) % 5]]
    }
    studies.append(("huge values", huge))
    for name in hostileNames {
      studies.append(
        (
          "named \(name)",
          try varied(9, objectives: 2, name: name, parameter: name, choices: [.string(name), "b"])
        ))
    }
    return studies.flatMap { name, study in
      PlotKind.allCases.map { ("\($0.rawValue) of \(name)", Figure.of($0, [study])) }
    }
  }

  /// One running trial that reported these values.
  static func reporting(_ values: [Double]) -> StudySeries {
    var study = unfinished(1, state: .running)
    study.trials[0].intermediateValues = values.enumerated().map {
      IntermediateValue(step: $0, value: $1)
    }
    return study
  }
}
