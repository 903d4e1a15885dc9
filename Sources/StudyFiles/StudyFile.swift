package import StudyModel

/// What a study file says: the search space, what to run, and how.
///
/// The file is YAML 1.2 or JSON. Everything in it has been checked; what it leaves out is nil or
/// has the default that the property names.
package struct StudyFile: Sendable {
  /// The file as the user named it.
  package let path: String
  /// The whole text.
  package let text: String
  /// The study's name; nil to name it after the file.
  package var name: String?
  /// What is optimized; at least one. By default one metric `objective`, minimized.
  package var objectives: [ObjectiveMetric]
  /// The sampler; nil for the default.
  package var sampler: AlgorithmSetting?
  /// The pruner; nil for the default.
  package var pruner: AlgorithmSetting?
  /// The parameters; a constant is a categorical parameter of one choice. May be empty for
  /// objectives that suggest their own.
  package var space: SearchSpace
  /// The names of metrics that must not be above 0, in the file's order.
  package var constraintMetrics: [String]
  /// The bounds of those among ``constraintMetrics`` that have one other than 0.
  package var constraintBounds: [MetricBound]
  /// Whether trials may repeat a point of a space that has finitely many.
  package var allowsRepeats: Bool
  /// How many trials the study gets in all; nil for no limit.
  package var trials: Int?
  /// How long to go on; nil for no limit.
  package var timeout: Duration?
  /// Trials at a time; nil for the default.
  package var workers: Int?
  /// Whether there are as many trials at a time as the machine that runs them has processors.
  package var usesAllProcessors: Bool
  /// How often the command is run in each trial, whose value is the mean of what it measured.
  package var replicates: Int
  /// Which metrics are kept beside objectives and constraints.
  package var furtherMetrics: FurtherMetrics
  /// What suggestions derive from; nil to draw one when the study is created.
  package var seed: UInt64?
  /// Where the study is kept; nil for the default.
  package var store: String?
  /// What each trial runs; nil when the file is only a search space.
  package var command: CommandTemplate?
  /// What runs the trials.
  package var executor: ExecutorSetting
  /// Where the command runs, relative to the file's folder; nil for that folder itself.
  package var directory: String?
  /// How the command gets values.
  package var spelling: ValueSpelling
  /// What ends the study before its trials are used up.
  package var ending: StudyEnding
  /// Whole points that are run first, each once; a study with them runs no others unless `trials`
  /// says so.
  package var points: [[FixedValue]]
  /// A point to begin with, which may leave parameters to the sampler; empty without one.
  package var first: [FixedValue]
  /// The names of the studies in the same store that the sampler learns from.
  package var earlierStudies: [String]
  /// Where the command's metrics are found.
  package var collection: MetricCollection
  /// How often a trial whose command failed starts again, and after what wait.
  package var retries: RetryPolicy
  /// How long one trial may take; nil for no limit.
  package var trialTimeout: Duration?
  /// How much memory a trial's processes may hold together, in bytes; nil for no limit.
  package var memoryLimit: Int?
  /// From SIGTERM to SIGKILL; 10 s by default.
  package var gracePeriod: Duration
  /// The names of programs that may go on after the trial that started them, in sessions of their
  /// own.
  package var leave: [String]
  /// How many trials one process of the command may serve; nil for the default.
  package var reuse: Int?
  /// Python modules of other tools that stand-ins take the place of.
  package var standIns: StandIns
  /// Files to write into a trial's folder before its command starts, in the file's order.
  package var files: [TrialFile]
  /// Variables to set for the command, or with nil to remove, in the file's order.
  package var environment: [EnvironmentVariable]
  /// Who is told of what becomes of the study, in the file's order.
  package var notices: [NoticeSetting]

  /// Whether a worker can run its trials; else only programs that hold trials themselves can.
  package var isRunnable: Bool { command != nil || executor != .process }

  /// The directions in the objectives' order.
  package var directions: [Direction] { objectives.map(\.direction) }

  /// The folder in which the command runs.
  package var commandFolder: String {
    guard let directory else { return folder }
    if directory.hasPrefix("/") { return directory }
    return folder == "." ? directory : "\(folder)/\(directory)"
  }

  /// The folder of the file; `.` for a bare name.
  package var folder: String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The study's name: that in the file, else the file's name without its ending.
  package var studyName: String {
    if let name { return name }
    let file = path.split(separator: "/").last.map(String.init) ?? path
    guard let dot = file.lastIndex(of: "."), dot != file.startIndex else { return file }
    return String(file[..<dot])
  }
}

/// A bound that a metric must keep.
package struct MetricBound: Sendable, Hashable {
  /// The metric's name.
  package let metric: String
  /// The least or the greatest value that is feasible.
  package let limit: Double
  /// Whether greater values are not feasible; else smaller ones are not.
  package let isUpper: Bool

  /// How far a value is beyond the bound: above 0 where it is not feasible.
  package func excess(of value: Double) -> Double { isUpper ? value - limit : limit - value }
}

/// A parameter's value that the user chose.
package struct FixedValue: Sendable, Hashable {
  /// The parameter's name.
  package let name: String
  /// One that the parameter can have.
  package let value: ParameterValue

  package init(name: String, value: ParameterValue) {
    self.name = name
    self.value = value
  }
}

/// One objective of a study.
package struct ObjectiveMetric: Sendable, Hashable {
  /// The name under which the command reports it.
  package let name: String
  /// Whether small or large values are good.
  package let direction: Direction
  /// Which of several reports is the trial's value.
  package let reduction: Reduction

  /// How several reports of one trial become its value.
  package enum Reduction: String, Sendable, CaseIterable {
    /// The latest report.
    case last
    /// The best report in the objective's direction.
    case best
  }

  package init(name: String, direction: Direction, reduction: Reduction = .last) {
    self.name = name
    self.direction = direction
    self.reduction = reduction
  }
}

/// Metrics that a trial keeps beside its objectives and constraints, as attributes of their names.
package enum FurtherMetrics: Sendable, Hashable {
  /// These; none if empty.
  case named([String])
  /// All numbers that come with a name.
  case all
}

/// Where and how a command's metrics are found.
package struct MetricCollection: Sendable, Hashable {
  /// Which of the command's streams are read.
  package enum Source: String, Sendable, CaseIterable {
    case stdout, stderr
    /// Standard output and standard error.
    case both
    /// Neither: a result file or the trial channel.
    case none
  }

  /// What a line that holds metrics looks like, or a file.
  package enum Format: String, Sendable, CaseIterable {
    /// `name=value` and JSON lines.
    case any
    /// `name=value`, `name: value`.
    case text
    /// One JSON object per line.
    case json
    /// A YAML document, for a file alone.
    case yaml
    /// Event files of TensorBoard, or a folder with some.
    case tensorboard
    /// The JSON lines that cloudml-hypertune writes, whose file's name the command gets.
    case hypertune
    /// The JSON lines of Syne Tune's reporter.
    case synetune
    /// SMAC's `Result of this algorithm run: SUCCESS, 1.5, 1, 0.2, 42`.
    case smac

    /// Names that number a report in this format, before those of every format.
    var stepNames: [String] {
      switch self {
      case .hypertune: ["global_step"]
      case .synetune: ["step", "epoch", "st_worker_iter"]
      default: []
      }
    }

    /// Whether metrics stand in a file and in no stream.
    var isOfFile: Bool { [.yaml, .tensorboard, .hypertune].contains(self) }
  }

  /// The streams whose lines are read.
  package var source = Source.stdout
  /// How lines are read while ``expressions`` is empty.
  package var format = Format.any
  /// Regular expressions that are tried on each line instead of ``format``.
  package var expressions: [String] = []
  /// A file that the command leaves; relative to the trial's directory. Read when it has exited.
  package var file: WordTemplate?
  /// Further files of that kind, which do not grow.
  package var furtherFiles: [WordTemplate] = []
  /// Whether the file is read while it grows, too, so that trials can be pruned by it.
  package var followsFile = false
  /// The names that number a report.
  package var stepNames = MetricCollection.defaultStepNames

  /// The names that number a report unless the study file names others.
  package static let defaultStepNames = ["step", "epoch"]

  package init() {}
}

/// A variable of the command's environment.
package struct EnvironmentVariable: Sendable, Hashable {
  /// As the command's environment has it; neither empty nor with `=`.
  package let name: String
  /// Its value; nil to remove the variable.
  package let value: WordTemplate?

  /// The same with a text before its value.
  package func preceded(by text: String) -> EnvironmentVariable {
    EnvironmentVariable(name: name, value: value?.preceded(by: text))
  }
}
