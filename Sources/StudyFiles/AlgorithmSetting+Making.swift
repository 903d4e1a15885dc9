package import Pruners
package import Samplers
internal import StudyModel

extension AlgorithmSetting {
  /// The sampler that this describes, with its own defaults for what was not given.
  ///
  /// - Throws: ``StudyFileError`` for options that do not go together.
  package func makeSampler() throws(StudyFileError) -> any Sampler {
    precondition(kind == .sampler, "'\(name)' is a pruner")
    do throws(SamplerError) {
      switch name {
      case "tpe": break
      case "gp": return makeGPSampler()
      case "auto":
        var sampler = AutoSampler()
        sampler.learnsFailures = flag("failures") ?? sampler.learnsFailures
        sampler.checksPriors = flag("check_priors") ?? sampler.checksPriors
        return sampler
      case "grid":
        return try GridSampler(
          divisions: integer("divisions") ?? 10,
          order: word("order").flatMap(GridSampler.Order.init) ?? .random)
      case "brute_force": return BruteForceSampler()
      case "nsga2": return makeNSGA2Sampler()
      case "cmaes": return makeCMAESSampler()
      case "qmc":
        var sampler = QMCSampler()
        sampler.isScrambled = flag("scramble") ?? sampler.isScrambled
        return sampler
      default: return RandomSampler()
      }
    } catch {
      throw StudyFileError(path: path, location: location, problem: "\(error)")
    }
    return try makeTPESampler()
  }

  private func makeGPSampler() -> GPSampler {
    var sampler = GPSampler()
    sampler.startupTrials = integer("startup_trials") ?? sampler.startupTrials
    sampler.candidateCount = integer("candidate_count") ?? sampler.candidateCount
    sampler.learnsFailures = flag("failures") ?? sampler.learnsFailures
    sampler.checksPriors = flag("check_priors") ?? sampler.checksPriors
    return sampler
  }

  private func makeCMAESSampler() -> CMAESSampler {
    var sampler = CMAESSampler()
    sampler.populationSize = integer("population_size")
    sampler.startupTrials = integer("startup_trials") ?? sampler.startupTrials
    sampler.initialStep = number("sigma") ?? sampler.initialStep
    sampler.restarts = word("restarts").flatMap(CMAESSampler.Restarts.init) ?? sampler.restarts
    sampler.isWarmStarted = flag("warm_start") ?? sampler.isWarmStarted
    return sampler
  }

  private func makeNSGA2Sampler() -> NSGA2Sampler {
    var sampler = NSGA2Sampler()
    sampler.populationSize = integer("population_size") ?? sampler.populationSize
    sampler.crossover =
      word("crossover").flatMap(NSGA2Sampler.Crossover.init) ?? sampler.crossover
    sampler.crossoverProbability = number("crossover_prob") ?? sampler.crossoverProbability
    sampler.mutationProbability = number("mutation_prob")
    return sampler
  }

  private func makeTPESampler() throws(StudyFileError) -> TPESampler {
    var sampler = TPESampler()
    sampler.startupTrials = integer("startup_trials") ?? sampler.startupTrials
    sampler.candidateCount = integer("candidate_count") ?? sampler.candidateCount
    // Each of the two implies the other's default: groups are of several parameters.
    let isGrouped = flag("group")
    sampler.isMultivariate =
      flag("multivariate") ?? (isGrouped == true ? true : sampler.isMultivariate)
    sampler.isGrouped = isGrouped ?? (sampler.isGrouped && sampler.isMultivariate != false)
    sampler.usesConstantLiar = flag("constant_liar") ?? sampler.usesConstantLiar
    if sampler.isGrouped, sampler.isMultivariate == false {
      throw StudyFileError(
        path: path, location: location,
        problem: "'group' of 'tpe' needs 'multivariate'; remove one of the two lines")
    }
    return sampler
  }

  /// The pruner that this describes, with its own defaults for what was not given.
  ///
  /// - Throws: ``StudyFileError`` for options that do not go together.
  package func makePruner() throws(StudyFileError) -> any Pruner {
    precondition(kind == .pruner, "'\(name)' is a sampler")
    do throws(PrunerError) {
      switch name {
      case "median":
        return try MedianPruner(
          startupTrials: integer("startup_trials") ?? 5, warmupSteps: integer("warmup_steps") ?? 0,
          interval: integer("interval") ?? 1, minimumTrials: integer("min_trials") ?? 1)
      case "percentile":
        return try PercentilePruner(
          percentile: number("percentile") ?? 25, startupTrials: integer("startup_trials") ?? 5,
          warmupSteps: integer("warmup_steps") ?? 0, interval: integer("interval") ?? 1,
          minimumTrials: integer("min_trials") ?? 1)
      case "threshold":
        return try ThresholdPruner(
          lower: number("lower") ?? -.infinity, upper: number("upper") ?? .infinity,
          warmupSteps: integer("warmup_steps") ?? 0, interval: integer("interval") ?? 1)
      case "patient":
        return try PatientPruner(
          patience: integer("patience") ?? 5, minimumDelta: number("min_delta") ?? 0)
      case "asha":
        return try SuccessiveHalvingPruner(
          minResource: integer("min_resource").map { .steps($0) } ?? .automatic,
          reductionFactor: integer("reduction_factor") ?? 4,
          minEarlyStoppingRate: integer("min_early_stopping_rate") ?? 0,
          bootstrapCount: integer("bootstrap_count") ?? 0, rungs: integers("rungs") ?? [],
          resource: word("resource").flatMap(SuccessiveHalvingPruner.Resource.init) ?? .steps)
      case "bandit":
        return try BanditPruner(
          slack: try slack, interval: integer("interval") ?? 1, delay: integer("delay") ?? 0)
      case "truncation":
        return try TruncationPruner(
          percentage: number("percentage") ?? 25,
          excludesFinished: flag("exclude_finished") ?? false,
          interval: integer("interval") ?? 1, delay: integer("delay") ?? 0)
      case "hyperband":
        return try HyperbandPruner(
          minResource: integer("min_resource") ?? 1, maxResource: integer("max_resource"),
          reductionFactor: integer("reduction_factor") ?? 3,
          bootstrapCount: integer("bootstrap_count") ?? 0)
      case "predictive":
        return try PredictivePruner(
          threshold: number("threshold") ?? 0.3, startupTrials: integer("startup_trials") ?? 3,
          warmupSteps: integer("warmup_steps") ?? 0)
      case "wilcoxon":
        return try WilcoxonPruner(
          threshold: number("p_threshold") ?? 0.1, startupSteps: integer("startup_steps") ?? 2)
      default: return NopPruner()
      }
    } catch {
      throw StudyFileError(path: path, location: location, problem: "\(error)")
    }
  }

  /// How far a trial may be behind the best one, of `bandit`.
  private var slack: BanditPruner.Slack {
    get throws(PrunerError) {
      switch (number("slack_factor"), number("slack_amount")) {
      case (let factor?, nil): return .factor(factor)
      case (nil, let amount?): return .amount(amount)
      case (nil, nil):
        throw .badSetting(
          name: "slack_factor", value: "left out", fix: "give it, or slack_amount")
      case (let factor?, .some):
        throw .badSetting(
          name: "slack_factor", value: "\(factor)", fix: "remove it, or slack_amount")
      }
    }
  }
}
