/// Why the program cannot train, in one sentence.
enum DigitsError: Error, Equatable, CustomStringConvertible {
  /// The command line is wrong.
  case usage(String)
  /// The data cannot be read.
  case data(String)

  var description: String {
    switch self {
    case .usage(let sentence), .data(let sentence): sentence
    }
  }

  /// The exit code: 64 for wrong usage, 2 otherwise.
  var exitCode: Int32 {
    switch self {
    case .usage: 64
    case .data: 2
    }
  }
}
