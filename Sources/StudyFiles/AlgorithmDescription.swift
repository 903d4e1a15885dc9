internal import Pruners
internal import Samplers
internal import StudyModel

/// A sampler or pruner that study files may name: its spellings and its options.
struct AlgorithmDescription: Sendable {
  let name: String
  /// Other spellings; letter case and punctuation never count.
  let aliases: [String]
  /// Spellings that stand for this algorithm with an option set.
  var implying: [(alias: String, option: String, value: ParameterValue)] = []
  let options: [OptionDescription]

  struct OptionDescription: Sendable {
    let name: String
    /// Other spellings: Optuna's, and those of the tools people come from.
    let aliases: [String]
    let type: OptionType
  }

  enum OptionType: Sendable {
    /// A whole number from a minimum up.
    case count(from: Int)
    /// The same, or the word `auto`.
    case countOrAuto(from: Int)
    /// A number within inclusive bounds.
    case number(from: Double, through: Double)
    /// Any finite number.
    case anyNumber
    case flag
    /// One of these words.
    case word([String])
    /// A list of whole numbers from 1 on; kept as a text with commas.
    case counts
  }

  /// The algorithm of that name, with the options that the spelling implies.
  static func find(
    _ kind: AlgorithmSetting.Kind, named name: String, at location: SourceLocation?
  ) throws(LocatedFault) -> (description: AlgorithmDescription, implied: [AlgorithmSetting.Option])
  {
    let all = kind == .sampler ? samplers : pruners
    let plain = plainName(name)
    for description in all {
      if plainName(description.name) == plain
        || description.aliases.contains(where: { plainName($0) == plain })
      {
        return (description, [])
      }
      if let match = description.implying.first(where: { plainName($0.alias) == plain }) {
        let option = AlgorithmSetting.Option(
          name: match.option, value: match.value, location: location)
        return (description, [option])
      }
    }
    let spellings = all.flatMap { [$0.name] + $0.aliases + $0.implying.map(\.alias) }
    let advice =
      nearest(to: name, among: spellings).map { "did you mean '\($0)'?" }
      ?? "known are \(quotedList(all.map(\.name)))"
    throw LocatedFault(
      location: location, problem: "the \(kind) '\(shortened(name))' is unknown; \(advice)")
  }

  /// Reads one option of this algorithm.
  func option(_ entry: YAMLNode.Entry) throws(LocatedFault) -> AlgorithmSetting.Option {
    let plain = plainName(entry.key)
    guard
      let option = options.first(where: { option in
        plainName(option.name) == plain || option.aliases.contains { plainName($0) == plain }
      })
    else {
      let spellings = options.flatMap { [$0.name] + $0.aliases }
      let advice =
        nearest(to: entry.key, among: spellings).map { "did you mean '\($0)'?" }
        ?? (options.isEmpty ? "it has none" : "known are \(quotedList(options.map(\.name)))")
      throw LocatedFault(
        location: entry.keyLocation,
        problem: "'\(name)' has no option '\(shortened(entry.key))'; \(advice)")
    }
    let what = "'\(entry.key)' of '\(name)'"
    let value: ParameterValue
    switch option.type {
    case .flag: value = .bool(try entry.value.flag(what))
    case .count(let minimum):
      value = .int(try entry.value.count(what, from: minimum, through: 1 << 53))
    case .countOrAuto(let minimum):
      if case .scalar(let scalar) = entry.value.content, scalar.text.lowercased() == "auto" {
        value = "auto"
      } else {
        value = .int(try entry.value.count(what, from: minimum, through: 1 << 53))
      }
    case .word(let words):
      let text = try entry.value.text(what)
      guard let word = words.first(where: { plainName($0) == plainName(text) }) else {
        let advice =
          nearest(to: text, among: words).map { "did you mean '\($0)'?" }
          ?? "give one of \(quotedList(words))"
        throw entry.value.fault("\(what) is '\(shortened(text))'; \(advice)")
      }
      value = .string(word)
    case .counts:
      let numbers = try entry.value.elements.map { (node) throws(LocatedFault) in
        try node.count("an element of \(what)", from: 1, through: 1 << 53)
      }
      guard !numbers.isEmpty else { throw entry.value.fault("\(what) is empty; give numbers") }
      value = .string(numbers.map(String.init).joined(separator: ","))
    case .anyNumber: value = .float(try entry.value.number(what))
    case .number(let minimum, let maximum):
      let number = try entry.value.number(what)
      guard (minimum...maximum).contains(number) else {
        throw entry.value.fault("\(what) is \(number); give \(minimum) to \(maximum)")
      }
      value = .float(number)
    }
    return AlgorithmSetting.Option(
      name: option.name, value: value, location: entry.value.location)
  }
}

extension AlgorithmDescription {
  /// The samplers of this version.
  static let samplers = [
    AlgorithmDescription(
      name: "tpe", aliases: ["bayesian_tpe", "TPESampler", "kde"],
      implying: [("multivariate-tpe", "multivariate", true)],
      options: [
        OptionDescription(
          name: "startup_trials", aliases: ["n_startup_trials"], type: .count(from: 0)),
        OptionDescription(
          name: "candidate_count", aliases: ["candidates", "n_ei_candidates"], type: .count(from: 1)
        ),
        OptionDescription(name: "multivariate", aliases: [], type: .flag),
        OptionDescription(name: "group", aliases: [], type: .flag),
        OptionDescription(name: "constant_liar", aliases: [], type: .flag),
      ]),
    AlgorithmDescription(
      name: "gp",
      aliases: [
        "bayes", "bayesian", "bayesianoptimization", "bayesopt", "gaussian_process",
        "gaussian_process_bandit", "gp_ucb_pe", "GPSampler",
      ],
      options: [
        OptionDescription(
          name: "startup_trials", aliases: ["n_startup_trials", "n_initial_points"],
          type: .count(from: 0)),
        OptionDescription(name: "candidate_count", aliases: ["candidates"], type: .count(from: 1)),
        OptionDescription(name: "failures", aliases: [], type: .flag),
        OptionDescription(name: "check_priors", aliases: [], type: .flag),
      ]),
    AlgorithmDescription(
      name: "auto", aliases: ["automatic", "AutoSampler"],
      options: [
        OptionDescription(name: "failures", aliases: [], type: .flag),
        OptionDescription(name: "check_priors", aliases: [], type: .flag),
      ]),
    AlgorithmDescription(
      name: "random", aliases: ["rand", "random_search", "RandomSampler"], options: []),
    AlgorithmDescription(
      name: "grid", aliases: ["grid_search", "GridSampler"],
      options: [
        OptionDescription(
          name: "divisions", aliases: ["points", "count", "resolution"], type: .count(from: 2)),
        OptionDescription(
          name: "order", aliases: [], type: .word(GridSampler.Order.allCases.map(\.rawValue))),
      ]),
    AlgorithmDescription(
      name: "brute_force", aliases: ["exhaustive", "BruteForceSampler"], options: []),
    AlgorithmDescription(
      name: "nsga2", aliases: ["nsga_ii", "NSGAIISampler", "genetic"],
      options: [
        OptionDescription(
          name: "population_size", aliases: ["population", "popsize"], type: .count(from: 2)),
        OptionDescription(name: "crossover", aliases: [], type: .word(["sbx", "uniform"])),
        OptionDescription(
          name: "crossover_prob", aliases: ["crossover_probability"],
          type: .number(from: 0, through: 1)),
        OptionDescription(
          name: "mutation_prob", aliases: ["mutation_probability"],
          type: .number(from: 0, through: 1)),
      ]),
    AlgorithmDescription(
      name: "cmaes", aliases: ["cma_es", "cma", "CmaEsSampler"],
      options: [
        OptionDescription(
          name: "population_size", aliases: ["population", "popsize"], type: .count(from: 4)),
        OptionDescription(
          name: "startup_trials", aliases: ["n_startup_trials"], type: .count(from: 0)),
        OptionDescription(
          name: "sigma", aliases: ["sigma0"], type: .number(from: 1e-6, through: 10)),
        OptionDescription(
          name: "restarts", aliases: ["restart_strategy"], type: .word(["ipop", "bipop", "none"])),
        OptionDescription(name: "warm_start", aliases: [], type: .flag),
      ]),
    AlgorithmDescription(
      name: "qmc", aliases: ["sobol", "quasi_random", "QMCSampler"],
      options: [OptionDescription(name: "scramble", aliases: [], type: .flag)]),
  ]

  /// The pruners of this version.
  static let pruners = [
    AlgorithmDescription(name: "none", aliases: ["nop", "NopPruner", "off"], options: []),
    AlgorithmDescription(
      name: "median",
      aliases: ["medianstop", "median_stopping", "MedianStoppingRule", "MedianPruner"],
      options: percentileOptions),
    AlgorithmDescription(
      name: "percentile", aliases: ["PercentilePruner"],
      options: [
        OptionDescription(name: "percentile", aliases: [], type: .number(from: 0, through: 100))
      ] + percentileOptions),
    AlgorithmDescription(
      name: "threshold", aliases: ["ThresholdPruner"],
      options: [
        OptionDescription(name: "lower", aliases: [], type: .anyNumber),
        OptionDescription(name: "upper", aliases: [], type: .anyNumber),
      ] + intervalOptions),
    AlgorithmDescription(
      name: "patient", aliases: ["PatientPruner"],
      options: [
        OptionDescription(name: "patience", aliases: [], type: .count(from: 0)),
        OptionDescription(
          name: "min_delta", aliases: ["delta"],
          type: .number(from: 0, through: .greatestFiniteMagnitude)),
      ]),
    AlgorithmDescription(
      name: "asha",
      aliases: [
        "sha", "async_halving", "adaptive_asha", "AsyncHyperBand", "successive_halving",
        "SuccessiveHalvingPruner",
      ],
      options: [
        OptionDescription(
          name: "min_resource", aliases: ["r", "grace_period"], type: .countOrAuto(from: 1)),
        OptionDescription(
          name: "reduction_factor", aliases: ["eta", "divisor"], type: .count(from: 2)),
        OptionDescription(
          name: "min_early_stopping_rate", aliases: ["s"], type: .count(from: 0)),
        OptionDescription(name: "bootstrap_count", aliases: [], type: .count(from: 0)),
        OptionDescription(name: "rungs", aliases: ["bands", "rung_levels"], type: .counts),
        OptionDescription(
          name: "resource", aliases: ["counts", "counting"],
          type: .word(SuccessiveHalvingPruner.Resource.allCases.map(\.rawValue))),
      ]),
    AlgorithmDescription(
      name: "bandit", aliases: ["BanditPolicy"],
      options: [
        OptionDescription(
          name: "slack_factor", aliases: [], type: .number(from: 0, through: 1e300)),
        OptionDescription(
          name: "slack_amount", aliases: [], type: .number(from: 0, through: 1e300)),
      ] + reportOptions),
    AlgorithmDescription(
      name: "truncation", aliases: ["truncation_selection", "TruncationSelectionPolicy"],
      options: [
        OptionDescription(
          name: "percentage", aliases: ["truncation_percentage"],
          type: .number(from: 1, through: 99)),
        OptionDescription(
          name: "exclude_finished", aliases: ["exclude_finished_jobs"], type: .flag),
      ] + reportOptions),
    AlgorithmDescription(
      name: "hyperband", aliases: ["HyperBandPruner", "HyperBandForBOHB"],
      options: [
        OptionDescription(name: "min_resource", aliases: ["min_iter"], type: .count(from: 1)),
        OptionDescription(
          name: "max_resource", aliases: ["max_iter", "max_t"], type: .countOrAuto(from: 1)),
        OptionDescription(
          name: "reduction_factor", aliases: ["eta", "divisor"], type: .count(from: 2)),
        OptionDescription(name: "bootstrap_count", aliases: [], type: .count(from: 0)),
      ]),
    AlgorithmDescription(
      name: "predictive", aliases: ["auto", "predictive_termination", "curve_fitting"],
      options: [
        OptionDescription(
          name: "threshold", aliases: ["delta"], type: .number(from: 0, through: 1)),
        OptionDescription(
          name: "startup_trials", aliases: ["n_startup_trials"], type: .count(from: 0)),
        OptionDescription(
          name: "warmup_steps", aliases: ["n_warmup_steps", "start_step"], type: .count(from: 0)),
      ]),
    AlgorithmDescription(
      name: "wilcoxon", aliases: ["WilcoxonPruner"],
      options: [
        OptionDescription(
          name: "p_threshold", aliases: ["threshold"], type: .number(from: 0, through: 1)),
        OptionDescription(
          name: "startup_steps", aliases: ["n_startup_steps"], type: .count(from: 0)),
      ]),
  ]

  private static let reportOptions = [
    OptionDescription(name: "interval", aliases: ["evaluation_interval"], type: .count(from: 1)),
    OptionDescription(name: "delay", aliases: ["delay_evaluation"], type: .count(from: 0)),
  ]

  private static let intervalOptions = [
    OptionDescription(
      name: "warmup_steps", aliases: ["n_warmup_steps", "start_step"], type: .count(from: 0)),
    OptionDescription(name: "interval", aliases: ["interval_steps"], type: .count(from: 1)),
  ]

  private static let percentileOptions =
    [
      OptionDescription(
        name: "startup_trials", aliases: ["n_startup_trials"], type: .count(from: 0))
    ] + intervalOptions + [
      OptionDescription(
        name: "min_trials", aliases: ["n_min_trials", "min_trials_required"], type: .count(from: 1))
    ]
}
