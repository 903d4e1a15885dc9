/// A tool whose sweep files are read as study files.
package enum ForeignTool: String, Sendable, CaseIterable {
  case azure, clearml, comet, configspace, determined, dvc, guild, h2o, hydra, katib, kerastuner
  case mlproject, mlrun, nni, optimizationjob, optunacli, orion, polyaxon, ray, sagemaker, sigopt
  case synetune, valohai, vizier, wandb

  /// What a file of the tool is called in a message, with its article.
  package var fileName: String {
    switch self {
    case .azure: "an Azure ML job"
    case .clearml: "a ClearML parameter search"
    case .comet: "a Comet optimizer file"
    case .configspace: "a ConfigSpace"
    case .determined: "a Determined experiment"
    case .dvc: "a DVC experiment command"
    case .guild: "a Guild AI file"
    case .h2o: "an H2O grid"
    case .hydra: "a Hydra sweep"
    case .katib: "a Katib Experiment"
    case .kerastuner: "a KerasTuner oracle"
    case .mlproject: "an MLproject"
    case .mlrun: "an MLRun job"
    case .nni: "an NNI experiment"
    case .optimizationjob: "a Kubeflow OptimizationJob"
    case .optunacli: "an Optuna command line"
    case .orion: "an Orion experiment"
    case .polyaxon: "a Polyaxon operation"
    case .ray: "a Ray Tune experiment"
    case .sagemaker: "a SageMaker tuning job"
    case .sigopt: "a SigOpt experiment"
    case .synetune: "a Syne Tune configuration space"
    case .valohai: "a Valohai file"
    case .vizier: "a Vizier study"
    case .wandb: "a W&B sweep"
    }
  }

  /// The tool of that name; letter case and punctuation never count.
  package init?(named name: String) {
    let plain = plainName(name)
    guard let tool = Self.allCases.first(where: { $0.rawValue == plain }) else { return nil }
    self = tool
  }

  /// Whether the tool's YAML is that of PyYAML, in which `yes` and `off` are Booleans and `1_000`
  /// is a number.
  var readsYAML11: Bool { [.wandb, .ray, .nni, .sigopt].contains(self) }
}
