import Testing

@testable import CommandLineTool

@Suite struct VerbTableTests {
  static let descriptions = VerbTable.all.map { $0.description }

  @Test func namesAreUnique() {
    let names = Self.descriptions.map(\.name)
    #expect(Set(names).count == names.count)
    for description in Self.descriptions {
      let options = description.options.flatMap { [$0.name, $0.short].compactMap { $0 } }
      #expect(Set(options).count == options.count, "\(description.name)")
    }
  }

  @Test(arguments: descriptions.map(\.name))
  func helpIsComplete(name: String) throws {
    let verb = try #require(Self.descriptions.first { $0.name == name })
    #expect(verb.abstract.hasSuffix("."))
    #expect(!verb.examples.isEmpty)
    for example in verb.examples { #expect(example.command.contains("needletail \(name)")) }
    let help = HelpText.help(on: verb)
    for option in verb.options {
      #expect(help.contains(option.name))
      #expect(option.help.hasSuffix("."), "\(option.name)")
    }
    for line in help.split(separator: "\n") where !line.contains("needletail \(name)") {
      #expect(line.count <= 80, "\(line)")
    }
  }

  /// Every option that a help text's example uses exists, so examples cannot rot.
  @Test(arguments: descriptions.map(\.name))
  func examplesUseDeclaredOptions(name: String) throws {
    let verb = try #require(Self.descriptions.first { $0.name == name })
    for example in verb.examples {
      let start = try #require(example.command.range(of: "needletail \(name)"))
      let tail = example.command[start.upperBound...].prefix { !"|>);".contains($0) }
      // What stands behind `--` is another program's.
      let words = tail.split(separator: " ").prefix { $0 != "--" }
      for word in words where word.hasPrefix("-") && word != "-" {
        let option = String(word.split(separator: "=")[0])
        #expect(verb.options.contains { $0.name == option || $0.short == option }, "\(option)")
      }
    }
  }

  @Test func findsVerbsAndSuggestsNearOnes() throws {
    let (verb, rest) = try VerbTable.find(["study", "best", "digits"])
    #expect(verb?.description.name == "study best")
    #expect(rest == ["digits"])
    #expect(throws: UsageError.unknownVerb("study bets", nearest: "study best")) {
      try VerbTable.find(["study", "bets"])
    }
    #expect(throws: UsageError.unknownVerb("hlep", nearest: "help")) {
      try VerbTable.find(["hlep"])
    }
    #expect(throws: UsageError.unknownVerb("frobnicate", nearest: nil)) {
      try VerbTable.find(["frobnicate"])
    }
    let verbs = VerbTable.verbs(of: "study").map { $0.description.words[1] }
    #expect(verbs.starts(with: ["create", "submit", "list", "show", "best"]))
    #expect(throws: UsageError.missingVerb(noun: "study", verbs: verbs)) {
      try VerbTable.find(["study"])
    }
  }

  @Test func exitCodesAreThoseThatAreDocumented() {
    #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 64, 75, 130])
  }
}

extension StringProtocol {
  /// Where the text occurs first.
  fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
