/// A Python module of another tool that this program has a stand-in for, which reports here.
package enum StandIn: String, Sendable, CaseIterable {
  case wandb
  case nni
  case hydra
  case mlflow
  case ray
  case clearml
  case determined
  case comet = "comet_ml"
  case polyaxon
  case sigopt
  case orion
  case hypertune

  /// The stand-in for what programs of a tool's studies import; nil where there is none.
  init?(of tool: ForeignTool) {
    switch tool {
    case .wandb: self = .wandb
    case .nni: self = .nni
    case .hydra: self = .hydra
    case .azure: self = .mlflow
    case .ray: self = .ray
    case .clearml: self = .clearml
    case .determined: self = .determined
    case .comet: self = .comet
    case .polyaxon: self = .polyaxon
    case .sigopt: self = .sigopt
    case .orion: self = .orion
    case .vizier: self = .hypertune
    default: return nil
    }
  }

  /// Where a program finds its parameters.
  var parameters: String {
    switch self {
    case .wandb: "wandb.config"
    case .nni: "nni.get_next_parameter"
    case .hydra: "the task function's configuration"
    case .mlflow: "the command or NEEDLETAIL_PARAMS"
    case .ray: "the trainable's config"
    case .clearml: "task.connect"
    case .determined: "get_cluster_info().trial.hparams"
    case .comet: "experiment.get_parameter"
    case .polyaxon: "tracking.get_inputs"
    case .sigopt: "sigopt.params"
    case .orion, .hypertune: "the command"
    }
  }

  /// What is read of a program.
  var reports: String {
    switch self {
    case .wandb: "wandb.log gets"
    case .nni: "nni.report_intermediate_result gets"
    case .hydra: "the task function returns"
    case .mlflow: "mlflow.log_metric gets"
    case .ray: "tune.report gets"
    case .clearml: "report_scalar gets"
    case .determined: "report_validation_metrics gets"
    case .comet: "experiment.log_metric gets"
    case .polyaxon: "tracking.log_metrics gets"
    case .sigopt: "sigopt.log_metric gets"
    case .orion: "report_objective gets"
    case .hypertune: "report_hyperparameter_tuning_metric gets"
    }
  }
}

/// Which modules a study's programs find a stand-in for.
package struct StandIns: Sendable, Hashable {
  /// The modules, in the file's order.
  package private(set) var all: [StandIn] = []
  /// Those of them whose calls also reach the installed package.
  package private(set) var forwarded: [StandIn] = []

  /// None.
  package init() {}

  /// Reads `stand_ins:`, a name, a list of names, or names with what becomes of their calls:
  /// `{wandb: forward}`.
  init(reading node: YAMLNode) throws(LocatedFault) {
    for element in node.elements {
      guard case .mapping(let entries) = element.content else {
        try add(element, at: element)
        continue
      }
      for entry in entries {
        let name = YAMLNode(
          content: .scalar(YAMLScalar(text: entry.key, isPlain: true, tag: nil)),
          location: entry.keyLocation)
        let use = try entry.value.choice(
          "what becomes of the calls of '\(shortened(entry.key))'", among: Use.allCases)
        let standIn = try add(name, at: name)
        if use == .forward { forwarded.append(standIn) }
      }
    }
  }

  /// What becomes of a program's calls.
  private enum Use: String, CaseIterable {
    /// They end in the stand-in.
    case alone
    /// They reach the installed package, too.
    case forward
  }

  @discardableResult
  private mutating func add(
    _ name: YAMLNode, at place: YAMLNode
  ) throws(LocatedFault) -> StandIn {
    let standIn = try name.choice("a name in 'stand_ins'", among: StandIn.allCases)
    guard !all.contains(standIn) else {
      throw place.fault("'stand_ins' has '\(standIn.rawValue)' twice; remove one")
    }
    all.append(standIn)
    return standIn
  }
}
