internal import JSON
package import StudyModel

/// What the author of another tool's file meant, before it becomes the study file that stands for
/// it.
package struct ForeignStudy: Sendable {
  /// Whose file it is.
  package let tool: ForeignTool
  /// The file as the user named it.
  package let path: String
  /// The marks by which the file was taken for the tool's; nil when the user said so.
  package internal(set) var reason: String?
  var name: String?
  /// The search in the words of the neutral form: `grid`, `random`, `tpe`, `gp`, `sobol`,
  /// `cmaes`, `nsga2`, `pbt`, `list`, `auto`; nil when the file does not say.
  var method: String?
  /// The tool's own word for the method, where its files keep one.
  var methodWord: String?
  var metrics: [Metric] = []
  var trials: Int?
  var seconds: Double?
  var parallel: Int?
  var seed: Int?
  var trialSeconds: Double?
  /// Which of several reports counts: `best` or `last`; nil when the file does not say.
  var reduction: String?
  /// How often each point is run.
  var repeats: Int?
  var workingFolder: String?
  var environment: [(name: String, value: ForeignCommand.Word)] = []
  /// The Python module of the tool that a stand-in takes the place of.
  var standIn: StandIn? { StandIn(of: tool) }
  /// Further names that number a report, before ours.
  var stepNames: [String] = []
  /// Files in the trial's folder, and what stands in them as a template.
  var files: [(name: String, content: String)] = []
  var parameters: [ForeignParameter] = []
  /// Whole points, each run once, for the method `list`.
  var points: [[(name: String, value: JSONValue)]] = []
  var command: ForeignCommand?
  /// What the user gave as the command, or as the program of a command without one: words that may
  /// have placeholders.
  var givenCommand: [String] = []
  /// What placeholders of the command stand for that are no parameters.
  var inputDefaults: [String: String] = [:]
  /// The study file's `pruner:`, as YAML in one line, and what the neutral form says.
  var pruner: String?
  var earlyStopping: JSONValue?
  /// Options of the sampler by our names.
  var samplerOptions: [(name: String, value: JSONValue)] = []
  var target: Double?
  var mostWithoutProgress: Int?
  var mostFailures: Int?
  var mostFailedShare: Double?
  var retries: Int?
  /// Constraints in the study file's syntax.
  var constraints: [String] = []
  /// Metrics with a bound: name, `<=` or `>=`, threshold.
  var metricConstraints: [(name: String, sign: String, limit: Double)] = []
  var firstPoint: [(name: String, value: JSONValue)] = []
  /// Regular expressions of the metrics, and the streams to search.
  var expressions: [String] = []
  var metricStream: String?
  /// Metrics that are kept beside the objectives.
  var furtherMetrics: [String] = []
  var metricFile: String?
  /// What lines or files with metrics look like, in the words of `collect`; nil for the usual.
  var metricFormat: String?
  /// Whether the file is read while it grows.
  var followsMetricFile = false
  /// The image that the tool runs the command in.
  var image: String?
  /// Whether trials are run in it.
  private(set) var runsInImage = false
  /// What has to be said aloud, in sentences.
  package internal(set) var notes: [String] = []
  /// What the tool accepts and is surely a mistake, in sentences; refused unless insisted on.
  package internal(set) var suspicions: [String] = []
  /// Keys that only matter elsewhere, said in one line.
  var ignored: [String] = []

  struct Metric: Sendable {
    let name: String
    /// `minimize`, `maximize`, `target` or `unknown`.
    let direction: String
  }

  init(_ tool: ForeignTool, path: String) {
    self.tool = tool
    self.path = path
  }

  /// Takes what the user says beside the file, which wins over it.
  ///
  /// - Parameter inImage: Whether trials run in the image that the file names.
  /// - Throws: ``StudyFileError`` where it names none.
  package mutating func fill(
    metric: String? = nil, direction: Direction? = nil, command: [String] = [], inImage: Bool
  ) throws(StudyFileError) {
    guard image != nil || !inImage else {
      throw StudyFileError(
        path: path, location: nil,
        problem: "as \(tool.fileName): there is no image; leave --container out, or write what "
          + "'needletail convert' prints and add 'executor: {container: IMAGE}'")
    }
    runsInImage = inImage
    if metric != nil || direction != nil {
      let name = metric ?? metrics.first?.name ?? "objective"
      let known = metrics.first?.direction
      metrics = [.init(name: name, direction: direction?.rawValue ?? known ?? "minimize")]
    }
    givenCommand = command
  }

  /// Whether there is a command, in the file or given.
  package var hasCommand: Bool {
    !givenCommand.isEmpty || command.map { !$0.words.joined().contains(.program) } ?? false
  }

  /// Notes what is missing and what was left out; called once a reader is done.
  mutating func finish() {
    if let standIn {
      notes.append(
        "a stand-in takes the place of the module \(standIn.rawValue): \(standIn.parameters) has the "
          + "parameters, and what \(standIn.reports) is read here while the program runs; without "
          + "'stand_ins' the module itself runs")
    }
    if !ignored.isEmpty {
      var seen: Set<String> = []
      let keys = ignored.filter { seen.insert($0).inserted }
      notes.append(
        "\(keys.joined(separator: ", ")): \(keys.count == 1 ? "matters" : "matter") only where "
          + "the tool's own service runs; ignored")
    }
    if let command, !parameters.isEmpty, !command.passesAll,
      command.parameterNames.isDisjoint(with: parameters.map(\.name)),
      !environment.contains(where: { entry in
        entry.value.contains { piece in
          switch piece {
          case .parameter, .arguments: true
          default: false
          }
        }
      })
    {
      notes.append(
        "no word of the command carries a parameter; they reach the program only through "
          + (standIn?.parameters ?? "NEEDLETAIL_PARAMS and the NEEDLETAIL_PARAM_… variables"))
    }
  }

  /// Makes a categorical parameter of each name in ``points``, with the values that occur.
  mutating func setParametersFromPoints(_ names: [String], at location: SourceLocation?) {
    for name in names {
      var values: [JSONValue] = []
      for point in points {
        guard let value = point.first(where: { $0.name == name })?.value,
          !values.contains(value)
        else { continue }
        values.append(value)
      }
      parameters.append(.categorical(name, values, at: location))
    }
  }

  /// Adds a parameter that may stand under several choices: alike, it exists with any of them;
  /// else the later one is named after its choice, too.
  mutating func append(_ parameter: ForeignParameter) {
    guard let index = parameters.firstIndex(where: { $0.name == parameter.name }),
      !parameter.conditions.isEmpty, !parameters[index].conditions.isEmpty
    else {
      parameters.append(parameter)
      return
    }
    if parameters[index].hasSameValues(as: parameter) {
      parameters[index].conditions += parameter.conditions
      return
    }
    var renamed = parameter
    if let condition = parameter.conditions.first?.last,
      case .among(let values) = condition.test, let choice = values.first?.string,
      let last = parameter.name.split(separator: ".").last
    {
      renamed.name = "\(condition.parent).\(choice).\(last)"
    }
    parameters.append(renamed)
  }

  /// Refuses names that stand twice.
  func checkNames() throws(LocatedFault) {
    var seen: Set<String> = []
    for parameter in parameters where !seen.insert(parameter.name).inserted {
      throw LocatedFault(
        location: parameter.location,
        problem: "the parameter '\(shortened(parameter.name))' stands twice; remove one")
    }
  }
}
