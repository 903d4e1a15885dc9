import Pruners
import Samplers
import StudyFiles
import Testing

@Suite struct AlgorithmSettingTests {
  private func sampler(_ text: String) throws -> any Sampler {
    let file = try StudyFile(text: "sampler: \(text)", path: "s.yaml")
    return try #require(file.sampler).makeSampler()
  }

  private func pruner(_ text: String) throws -> any Pruner {
    let file = try StudyFile(text: "pruner: \(text)", path: "s.yaml")
    return try #require(file.pruner).makePruner()
  }

  @Test func makesSamplers() throws {
    #expect(try sampler("random") is RandomSampler)
    let plain = try #require(try sampler("tpe") as? TPESampler)
    let standard = TPESampler()
    #expect(plain.startupTrials == standard.startupTrials)
    #expect(plain.candidateCount == standard.candidateCount)
    #expect(plain.isMultivariate == standard.isMultivariate)
    #expect(plain.isGrouped == standard.isGrouped)
    #expect(plain.usesConstantLiar == standard.usesConstantLiar)
    let other = try #require(
      try sampler(
        "{name: tpe, n_startup_trials: 3, candidates: 50, group: true, constant_liar: false}")
        as? TPESampler)
    #expect(other.startupTrials == 3)
    #expect(other.candidateCount == 50)
    #expect(other.isGrouped && other.isMultivariate == true && !other.usesConstantLiar)
    let single = try #require(try sampler("{name: tpe, multivariate: no}") as? TPESampler)
    #expect(single.isMultivariate == false)
  }

  @Test func makesGaussianProcesses() throws {
    for name in ["gp", "bayesian", "GPSampler", "bayesopt"] {
      let sampler = try #require(try sampler(name) as? GPSampler)
      #expect(sampler.startupTrials == 10 && sampler.candidateCount == 512)
    }
    let other = try #require(
      try sampler("{name: gp, n_startup_trials: 4, candidate_count: 128}") as? GPSampler)
    #expect(other.startupTrials == 4 && other.candidateCount == 128)
    #expect(other.learnsFailures && !other.checksPriors)
    let told = try #require(
      try sampler("{name: gp, failures: no, check_priors: yes}") as? GPSampler)
    #expect(!told.learnsFailures && told.checksPriors)
    let auto = try #require(try sampler("auto") as? AutoSampler)
    #expect(auto.learnsFailures && auto.checksPriors)
    let plain = try #require(
      try sampler("{name: auto, failures: no, check_priors: no}") as? AutoSampler)
    #expect(!plain.learnsFailures && !plain.checksPriors)
  }

  @Test func makesExhaustiveSamplers() throws {
    #expect(try (sampler("grid") as? GridSampler)?.divisions == 10)
    #expect(try (sampler("{name: GridSampler, points: 5}") as? GridSampler)?.divisions == 5)
    #expect(try sampler("brute-force") is BruteForceSampler)
    let error = #expect(throws: StudyFileError.self) {
      try sampler("{name: grid, divisions: 9999999}")
    }
    #expect(
      error?.problem
        == "the sampler's setting 'divisions' cannot be 9999999; give an integer from 2 to 1048576")
  }

  @Test func makesEvolutionaryAndEvenSamplers() throws {
    let nsga = try #require(
      try sampler("{name: NSGAIISampler, popsize: 20, crossover: uniform, mutation_prob: 0.2}")
        as? NSGA2Sampler)
    #expect(nsga.populationSize == 20 && nsga.crossover == .uniform)
    #expect(nsga.mutationProbability == 0.2 && nsga.crossoverProbability == 0.9)
    let cma = try #require(
      try sampler("{name: CmaEsSampler, sigma0: 0.2, restarts: none, warm_start: no, popsize: 12}")
        as? CMAESSampler)
    #expect(cma.initialStep == 0.2 && cma.restarts == .none && !cma.isWarmStarted)
    #expect(cma.populationSize == 12)
    #expect(try (sampler("sobol") as? QMCSampler)?.isScrambled == true)
    #expect(try (sampler("{name: qmc, scramble: false}") as? QMCSampler)?.isScrambled == false)
    let error = #expect(throws: StudyFileError.self) {
      try sampler("{name: cmaes, restarts: bipopp}")
    }
    #expect(
      error?.problem == "'restarts' of 'cmaes' is 'bipopp'; did you mean 'bipop'?")
  }

  @Test func makesPrunersWithBrackets() throws {
    let hyperband = try #require(
      try pruner("{name: hyperband, min_resource: 2, max_iter: 81, eta: 4, bootstrap_count: 1}")
        as? HyperbandPruner)
    #expect(hyperband.minResource == 2 && hyperband.maxResource == 81)
    #expect(hyperband.reductionFactor == 4 && hyperband.bootstrapCount == 1)
    #expect(
      try (pruner("{name: HyperbandPruner, max_resource: auto}") as? HyperbandPruner)?.maxResource
        == nil)
    let wilcoxon = try #require(
      try pruner("{name: wilcoxon, p_threshold: 0.05, n_startup_steps: 4}") as? WilcoxonPruner)
    #expect(wilcoxon.threshold == 0.05 && wilcoxon.startupSteps == 4)
  }

  @Test func makesPruners() throws {
    #expect(try pruner("none") is NopPruner)
    let median = try #require(
      try pruner("{name: median, startup_trials: 7, n_warmup_steps: 2, interval: 3, min_trials: 4}")
        as? MedianPruner)
    #expect(median.startupTrials == 7 && median.warmupSteps == 2)
    #expect(median.interval == 3 && median.minimumTrials == 4)
    let percentile = try #require(
      try pruner("{name: percentile, percentile: 12.5}") as? PercentilePruner)
    #expect(percentile.percentile == 12.5)
    let halving = try #require(
      try pruner("{name: asha, min_resource: 2, eta: 3, s: 1, bootstrap_count: 4}")
        as? SuccessiveHalvingPruner)
    #expect(halving.minResource == .steps(2) && halving.reductionFactor == 3)
    #expect(halving.minEarlyStoppingRate == 1 && halving.bootstrapCount == 4)
    let automatic = try #require(
      try pruner("{name: asha, min_resource: auto}") as? SuccessiveHalvingPruner)
    #expect(automatic.minResource == .automatic)
  }

  @Test func makesPrunersOfOneTrial() throws {
    let threshold = try #require(
      try pruner("{name: threshold, upper: 2, warmup_steps: 3, interval: 4}") as? ThresholdPruner)
    #expect(threshold.lower == -.infinity && threshold.upper == 2)
    #expect(threshold.warmupSteps == 3 && threshold.interval == 4)
    let patient = try #require(
      try pruner("{name: PatientPruner, patience: 2, min_delta: 0.5}") as? PatientPruner)
    #expect(patient.patience == 2 && patient.minimumDelta == 0.5 && patient.wrapped == nil)
  }

  @Test func refusesOptionsThatDoNotGoTogether() throws {
    let grouped = #expect(throws: StudyFileError.self) {
      try sampler("{name: tpe, group: true, multivariate: false}")
    }
    #expect(
      grouped?.description
        == "s.yaml:1:10: 'group' of 'tpe' needs 'multivariate'; remove one of the two lines")
    let halving = #expect(throws: StudyFileError.self) {
      try pruner("{name: asha, bootstrap_count: 2}")
    }
    #expect(
      halving?.description.hasPrefix("s.yaml:1:9: the pruner's setting 'bootstrap_count'") == true)
  }
}
