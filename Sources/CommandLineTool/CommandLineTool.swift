internal import CoordinatorClient
internal import Exchange
internal import Messages
internal import Stores
internal import StudyModel
internal import System

/// The program `needletail`: finds the verb, reads its arguments, runs it, and turns what happens
/// into an exit code.
public enum CommandLineTool {
  /// Runs a command line of this process and returns the exit code.
  ///
  /// - Parameter arguments: What follows the program's name.
  public static func main(_ arguments: [String]) -> Int32 {
    openStandardDescriptors()
    heedEndingSignals()
    StopRequests.stayUntilExit()
    // With a handler a closed pipe is an error of `write`, and children get the default back.
    signal(SIGPIPE) { _ in }
    // A file that grows beyond the limit of ulimit -f likewise.
    signal(SIGXFSZ) { _ in }
    let environment: @Sendable (String) -> String? = { name in
      getenv(name).map { String(cString: $0) }
    }
    let console = Console(environment: environment)
    StoreNotice.listen { console.warn($0) }
    return run(arguments, Context(console: console, environment: environment)).rawValue
  }

  /// Runs a command line; every error ends as one sentence on the console.
  package static func run(_ arguments: [String], _ context: Context) -> ExitCode {
    let console = context.console
    do {
      return console.finish(try dispatch(arguments[...], context))
    } catch let error as UsageError {
      console.complain(error.description)
      return console.finish(.usage)
    } catch let error as StoreError where error.isTransient {
      console.complain(error.description)
      return console.finish(.tryAgain)
    } catch let error as CoordinatorError where error.isTransient {
      console.complain(error.description)
      return console.finish(.tryAgain)
    } catch let error as ExchangeError where error.isTransient {
      console.complain(error.description)
      return console.finish(.tryAgain)
    } catch {
      console.complain("\(error)")
      return console.finish(.failed)
    }
  }

  private static func dispatch(
    _ arguments: ArraySlice<String>, _ context: Context
  ) throws -> ExitCode {
    switch arguments.first {
    case nil:
      context.console.note(HelpText.overview)
      return .usage
    case "--version":
      context.console.write("needletail \(Release.version)")
      return .success
    case "--help", "-h":
      context.console.write(HelpText.overview)
      return .success
    default: break
    }
    let (verb, rest) = try VerbTable.find(arguments)
    guard let verb else {
      // A noun with --help behind it.
      context.console.write(HelpText.verbs(of: arguments.first ?? ""))
      return .success
    }
    let beforeSeparator = rest.prefix { $0 != "--" }
    if beforeSeparator.contains("--help") || beforeSeparator.contains("-h") {
      context.console.write(HelpText.help(on: verb.description))
      return .success
    }
    var scanner = try ArgumentScanner(rest, for: verb.description)
    let command = try verb.init(&scanner)
    try scanner.finish()
    return try command.run(context)
  }

  /// Lets the signals through that ask a process to end: a program that starts this one from a
  /// thread which blocks them hands its mask down, and they would wait for good.
  private static func heedEndingSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// A file opened while a standard descriptor is closed would take its number, and messages would
  /// be written into it.
  private static func openStandardDescriptors() {
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 {
      _ = open("/dev/null", O_RDWR)
    }
  }
}
