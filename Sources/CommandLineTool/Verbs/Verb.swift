/// One verb of the command line: what it is called and takes, and what it does.
///
/// The description is the only source of help, completion and parsing; ``VerbTable`` lists the
/// verbs.
package protocol Verb: Sendable {
  /// Name, arguments, options and examples.
  static var description: VerbDescription { get }

  /// Reads the arguments; touches nothing else.
  init(_ arguments: inout ArgumentScanner) throws(UsageError)

  /// Does it.
  func run(_ context: Context) throws -> ExitCode
}

/// What a verb finds around it.
package struct Context: Sendable {
  /// Where results and messages go.
  package let console: Console
  /// The environment variable of that name; nil when it is not set.
  package let environment: @Sendable (String) -> String?

  package init(console: Console, environment: @escaping @Sendable (String) -> String?) {
    self.console = console
    self.environment = environment
  }
}

/// A verb in words: what help, completion and the scanner know of it.
package struct VerbDescription: Sendable {
  /// One or two words: `run`, or `study` and `best`.
  package let words: [String]
  /// One line that ends with a full stop.
  package let abstract: String
  /// Paragraphs of help beyond the abstract.
  package var discussion: [String] = []
  /// In the order in which they stand on the command line.
  package var arguments: [Argument] = []
  /// In the order in which the help lists them.
  package var options: [Option] = []
  /// At least one; their options exist.
  package let examples: [Example]

  /// The words with spaces: `study best`.
  package var name: String { words.joined(separator: " ") }

  /// An argument given by its place.
  package struct Argument: Sendable {
    /// What it stands for, such as `study`.
    package let name: String
    /// A few words for the help, without a full stop.
    package let help: String
    /// Whether it may be left out.
    package var isOptional = false
    /// Whether it takes all that follow, too; only the last may.
    package var isRepeated = false
    /// What shells offer for it.
    package var completion = Completion.none
  }

  /// A flag, or an option with one value.
  package struct Option: Sendable {
    /// The name with its dashes, such as `--store`.
    package let name: String
    /// One letter with its dash, such as `-o`.
    package var short: String?
    /// What the value stands for, such as `PATH`; nil for a flag.
    package var placeholder: String?
    /// Whether it may stand without a value, which then has to be attached: `--slurm=VALUE`.
    package var isValueOptional = false
    /// A few words for the help, without a full stop.
    package let help: String
    /// What shells offer for its value.
    package var completion = Completion.none
    /// Whether it may be given more than once.
    package var isRepeated = false
  }

  /// A command line that works, and what it does.
  package struct Example: Sendable {
    /// From `needletail` on.
    package let command: String
    /// What it does, in a few words.
    package let help: String

    package init(_ command: String, _ help: String) {
      self.command = command
      self.help = help
    }
  }

  /// What a shell offers for a value.
  package enum Completion: Sendable, Hashable {
    case none
    case file
    /// The names of the studies in the default store.
    case study
    case words([String])
  }
}

extension VerbDescription.Option {
  /// `--json`, which every verb that prints a result has.
  static let json = Self(
    name: "--json", help: "Print JSON, one document or one line per item (needletail help json).")

  /// `--store`, which every verb that reads a study has.
  static let store = Self(
    name: "--store", placeholder: "STORE",
    help: "The study store: a path or postgresql://… (needletail help store).", completion: .file)
}

extension VerbDescription.Argument {
  /// The name of a study.
  static let study = Self(name: "study", help: "The study's name.", completion: .study)
  /// The number of a trial.
  static let trial = Self(name: "number", help: "The trial's number within the study.")
}
