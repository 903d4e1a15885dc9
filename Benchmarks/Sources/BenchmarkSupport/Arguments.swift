internal import System

/// The arguments of a benchmark program: options with one value each, and plain words.
public struct Arguments {
  private var words: [String]
  private let usage: String

  /// Reads the process's arguments; prints `usage` and ends for `--help`.
  public init(usage: String) {
    words = Array(CommandLine.arguments.dropFirst())
    self.usage = usage
    if words.contains("--help") {
      print(usage)
      exit(0)
    }
  }

  /// Takes the value of `--name VALUE` or `--name=VALUE`; nil when it is not given.
  public mutating func option(_ name: String) -> String? {
    if let place = words.firstIndex(where: { $0.hasPrefix(name + "=") }) {
      return String(words.remove(at: place).dropFirst(name.count + 1))
    }
    guard let place = words.firstIndex(of: name) else { return nil }
    guard place + 1 < words.count else { fail("\(name) needs a value") }
    let value = words[place + 1]
    words.removeSubrange(place...place + 1)
    return value
  }

  /// Takes `--name`; false when it is not given.
  public mutating func flag(_ name: String) -> Bool {
    guard let place = words.firstIndex(of: name) else { return false }
    words.remove(at: place)
    return true
  }

  /// Takes the whole number after `--name`; `fallback` when it is not given.
  public mutating func integer(_ name: String, default fallback: Int) -> Int {
    guard let text = option(name) else { return fallback }
    guard let value = Int(text) else { fail("\(name) needs a whole number, not '\(text)'") }
    return value
  }

  /// Takes the next plain word; nil when there is none.
  public mutating func word() -> String? {
    guard let first = words.first, !first.hasPrefix("--") else { return nil }
    return words.removeFirst()
  }

  /// Ends the program if something is left over.
  public func finish() {
    if let stranger = words.first { fail("unknown argument '\(stranger)'") }
  }

  /// Says what is wrong and how to call the program, and ends it.
  public func fail(_ message: String) -> Never {
    let text = Array("\(message)\n\(usage)\n".utf8)
    _ = write(STDERR_FILENO, text, text.count)
    exit(64)
  }
}
