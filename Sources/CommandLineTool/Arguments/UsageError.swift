/// A command line that cannot be understood; nothing was done.
package enum UsageError: Error, Hashable {
  case unknownVerb(String, nearest: String?)
  /// A noun without its verb, such as `needletail study`.
  case missingVerb(noun: String, verbs: [String])
  case unknownOption(String, verb: String, nearest: String?)
  case missingValue(option: String, placeholder: String)
  /// A flag that was given a value, such as `--json=yes`.
  case unexpectedValue(option: String, value: String)
  case repeatedOption(String)
  case missingArgument(String, verb: String)
  case unexpectedArgument(String, verb: String)
  case badValue(option: String, value: String, expected: String)
  /// A figure that is not one of the kinds.
  case unknownPlot(String, nearest: String?, known: [String])
  /// Two options that exclude each other, or one that needs another.
  case conflict(String)
}

extension UsageError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unknownVerb(let name, let nearest):
      "there is no verb '\(name.printable)'"
        + Self.hint(nearest, otherwise: "; needletail help lists them")
    case .missingVerb(let noun, let verbs):
      "'\(noun)' needs a verb: \(verbs.joined(separator: ", "))"
    case .unknownPlot(let name, let nearest, let known):
      "there is no plot '\(name.printable)'"
        + Self.hint(nearest, otherwise: "; there are \(known.joined(separator: ", "))")
    case .unknownOption(let name, let verb, let nearest):
      "\(verb) has no option '\(name.printable)'"
        + Self.hint(nearest, otherwise: "; see needletail help \(verb)")
    case .missingValue(let option, let placeholder):
      "\(option) needs a value: \(option) \(placeholder)"
    case .unexpectedValue(let option, let value):
      "\(option) takes no value, but got '\(value.printable)'; leave it out"
    case .repeatedOption(let option): "\(option) stands twice; give it once"
    case .missingArgument(let name, let verb):
      "\(verb) needs \(name); see needletail help \(verb)"
    case .unexpectedArgument(let argument, let verb):
      "\(verb) does not take '\(argument.printable)'; see needletail help \(verb)"
    case .badValue(let option, let value, let expected):
      "\(option) cannot be '\(value.printable)'; give \(expected)"
    case .conflict(let sentence): sentence
    }
  }

  private static func hint(_ nearest: String?, otherwise: String) -> String {
    nearest.map { "; did you mean '\($0)'?" } ?? otherwise
  }
}
