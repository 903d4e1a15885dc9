internal import StudyFiles
internal import StudyModel
internal import System

/// The arguments of one verb, sorted into flags, options and what is given by its place.
///
/// Options may stand anywhere until `--`; `--opt value` and `--opt=value` are the same. What looks
/// like a negative number is a value, not an option.
package struct ArgumentScanner {
  private let description: VerbDescription
  private var flags: Set<String> = []
  private var values: [String: [String]] = [:]
  private var positionals: ArraySlice<String> = []
  /// How many of the arguments by place stand behind `--`.
  private var separatedCount = 0

  /// Sorts the arguments that follow the verb.
  package init(
    _ arguments: some Sequence<String>, for description: VerbDescription
  ) throws(UsageError) {
    self.description = description
    var rest = Array(arguments)[...]
    var places: [String] = []
    while let argument = rest.popFirst() {
      if argument == "--" {
        places += rest
        separatedCount = rest.count
        break
      }
      guard Self.isOption(argument) else {
        places.append(argument)
        continue
      }
      try take(option: argument, from: &rest)
    }
    positionals = places[...]
  }

  /// Whether the flag was given.
  package func flag(_ name: String) -> Bool {
    precondition(declared(name)?.placeholder == nil, "\(name) is not a flag of \(description.name)")
    return flags.contains(name)
  }

  /// The option's value; nil when it was not given, empty when it may stand without one and does.
  package func value(_ name: String) -> String? {
    precondition(declared(name)?.placeholder != nil, "\(name) is no option of \(description.name)")
    return values[name]?.first
  }

  /// All values of an option that may be given more than once, in their order.
  package func values(_ name: String) -> [String] {
    precondition(declared(name)?.isRepeated == true, "\(name) of \(description.name) comes once")
    return values[name] ?? []
  }

  /// The option's value as a whole number of the range.
  package func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
    guard let text = value(name) else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw .badValue(option: name, value: text, expected: Self.wording(of: range))
    }
    return number
  }

  /// The option's value as a seed: any whole number of 64 bits without a sign.
  package func seed(_ name: String) throws(UsageError) -> UInt64? {
    guard let text = value(name) else { return nil }
    guard let number = UInt64(text) else {
      throw .badValue(option: name, value: text, expected: "a whole number from 0 to 2^64 - 1")
    }
    return number
  }

  /// The option's value as a positive time: `90`, `90s`, `10m`, `1h30m`, `2d`.
  package func duration(_ name: String) throws(UsageError) -> Duration? {
    guard let text = value(name) else { return nil }
    guard let duration = Duration(spelled: text) else {
      throw .badValue(
        option: name, value: text, expected: "a time above 0 such as 90s, 10m or 1h30m")
    }
    return duration
  }

  /// The option's value, which must be one of the words.
  package func word(_ name: String, of words: [String]) throws(UsageError) -> String? {
    guard let text = value(name) else { return nil }
    guard words.contains(text) else {
      throw .badValue(option: name, value: text, expected: words.joined(separator: ", or "))
    }
    return text
  }

  /// The next argument by place.
  package mutating func positional(_ name: String) throws(UsageError) -> String {
    guard let next = positionals.popFirst() else {
      let article = "aeiou".contains(name.first ?? "x") ? "an" : "a"
      throw .missingArgument("\(article) \(name)", verb: description.name)
    }
    return next
  }

  /// The next argument by place, as a trial's number.
  package mutating func trialNumber() throws(UsageError) -> Int {
    try Self.trialNumber(positional("number"))
  }

  /// All arguments by place that are left, as trials' numbers; each once.
  package mutating func trialNumbers() throws(UsageError) -> [Int] {
    var numbers: [Int] = []
    for text in remaining() {
      let number = try Self.trialNumber(text)
      if !numbers.contains(number) { numbers.append(number) }
    }
    return numbers
  }

  private static func trialNumber(_ text: String) throws(UsageError) -> Int {
    guard let number = Int(text), number >= 0 else {
      throw .badValue(
        option: "the trial's number", value: text, expected: "a whole number from 0 up")
    }
    return number
  }

  /// The arguments behind `--`, which are no longer left then.
  package mutating func behindSeparator() -> [String] {
    let count = min(separatedCount, positionals.count)
    defer {
      positionals = positionals.dropLast(count)
      separatedCount = 0
    }
    return Array(positionals.suffix(count))
  }

  /// All arguments by place that are left.
  package mutating func remaining() -> [String] {
    defer { positionals = [] }
    return Array(positionals)
  }

  /// Refuses arguments that the verb does not take.
  package func finish() throws(UsageError) {
    if let first = positionals.first {
      throw .unexpectedArgument(first, verb: description.name)
    }
  }

  private static func isOption(_ argument: String) -> Bool {
    guard argument.hasPrefix("-"), argument != "-" else { return false }
    return Double(decimal: argument) == nil
  }

  private func declared(_ name: String) -> VerbDescription.Option? {
    description.options.first { $0.name == name || $0.short == name }
  }

  private mutating func take(
    option argument: String, from rest: inout ArraySlice<String>
  ) throws(UsageError) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = declared(name) else {
      let known = description.options.map(\.name) + ["--help"]
      throw .unknownOption(
        name, verb: description.name, nearest: nearest(to: name, among: known))
    }
    guard !flags.contains(option.name), values[option.name] == nil || option.isRepeated else {
      throw .repeatedOption(option.name)
    }
    let attached = parts.count > 1 ? String(parts[1]) : nil
    guard let placeholder = option.placeholder else {
      if let attached { throw .unexpectedValue(option: option.name, value: attached) }
      flags.insert(option.name)
      return
    }
    if option.isValueOptional {
      values[option.name] = [attached ?? ""]
      return
    }
    if attached == nil, let next = rest.first, Self.isOption(next), next != "--" {
      throw .missingValue(option: option.name, placeholder: placeholder)
    }
    guard let value = attached ?? rest.popFirst(), attached != nil || value != "--" else {
      throw .missingValue(option: option.name, placeholder: placeholder)
    }
    values[option.name, default: []].append(value)
  }

  private static func wording(of range: ClosedRange<Int>) -> String {
    range.upperBound == .max
      ? "a whole number from \(range.lowerBound) up"
      : "a whole number from \(range.lowerBound) to \(range.upperBound)"
  }
}

extension Duration {
  /// Reads `90`, `90s`, `1.5h`, `1h30m`; nil for anything else, for 0, and beyond 100 years.
  package init?(spelled text: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    var seconds = 0.0
    var digits = ""
    for character in text {
      if let unit = units[character] {
        guard let number = Double(digits) else { return nil }
        seconds += number * unit
        digits = ""
      } else {
        guard character.isASCII, character.isNumber || character == "." else { return nil }
        digits.append(character)
      }
    }
    if !digits.isEmpty {
      guard let number = Double(digits) else { return nil }
      seconds += number
    }
    guard seconds > 0, seconds < 100 * 365.25 * 86_400 else { return nil }
    self = .seconds(clamped: seconds)
  }

  /// For people: `0.42s`, `12.3s`, `4m05s`, `2h07m`, `3d04h`.
  package var brief: String {
    let seconds = max(0, inSeconds)
    func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if seconds < 10 { return "\((seconds * 100).rounded() / 100)s" }
    if seconds < 60 { return "\((seconds * 10).rounded() / 10)s" }
    let whole = Int(clamped: seconds)
    if whole < 3_600 { return "\(whole / 60)m\(padded(whole % 60))s" }
    if whole < 86_400 { return "\(whole / 3_600)h\(padded(whole / 60 % 60))m" }
    return "\(whole / 86_400)d\(padded(whole / 3_600 % 24))h"
  }
}
