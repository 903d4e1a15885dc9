import Foundation
import Needletail
import Testing

/// The articles of the library's documentation: their code is compiled, run, and the articles'.
@Suite struct ArticleTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The lines without the indentation that all of them share, and without `static`.
  private func unindented(_ lines: some Sequence<Substring>) -> String {
    let lines = Array(lines)
    let margin =
      lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
    return lines.map { $0.dropFirst(min(margin, $0.count)) }.joined(separator: "\n")
      .replacing("static func", with: "func")
  }

  /// The examples of this target by the article they are for.
  private func examples() throws -> [String: Set<String>] {
    let source = try String(
      contentsOf: Self.root.appending(path: "Tests/NeedletailTests/ArticleExamples.swift"),
      encoding: .utf8)
    var found: [String: Set<String>] = [:]
    var open: (article: String, lines: [Substring])?
    for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
      let words = line.drop { $0 == " " }
      if words == "// end" {
        let (article, lines) = try #require(open)
        found[article, default: []].insert(unindented(lines))
        open = nil
      } else if open != nil {
        open?.lines.append(line)
      } else if words.hasPrefix("// ") {
        open = (String(words.dropFirst(3)), [])
      }
    }
    return found
  }

  /// The blocks of Swift in an article.
  private func blocks(in article: String) throws -> Set<String> {
    let text = try String(
      contentsOf: Self.root.appending(path: "Sources/Needletail/Needletail.docc/\(article).md"),
      encoding: .utf8)
    var found: Set<String> = []
    for part in text.split(separator: "```swift\n", omittingEmptySubsequences: false).dropFirst() {
      let block = try #require(part.firstRange(of: "\n```"))
      found.insert(String(part[..<block.lowerBound]))
    }
    return found
  }

  @Test(arguments: ["Needletail", "FirstStudy", "DefineByRun", "ManyMachines"])
  func theCodeOfAnArticleIsCompiled(article: String) throws {
    let shown = try blocks(in: article)
    #expect(!shown.isEmpty)
    #expect(try examples()[article] == shown)
  }

  @Test func aFirstStudyFindsTheTop() async throws {
    let store = StoreLocation.open(try StoreLocation.memory.opened())
    let page = try #require(try await ArticleExamples.firstStudy(store: store))
    #expect(page.contains("Optimization history of yield"))
    let study = try Study.load("yield", store: store)
    let failed = try study.trials.filter { $0.state == .failed }
    #expect(failed.allSatisfy { $0.parameters.count == 2 })
    #expect(try #require(try study.bestTrial).values[0] > 85)
    // With ifExists: .load the second call goes on in the same study.
    let count = try study.trials.count
    _ = try await ArticleExamples.firstStudy(store: store)
    #expect(try study.trials.count >= count + 60)
  }

  @Test func parametersThatDependOnEachOther() async throws {
    let store = StoreLocation.open(try StoreLocation.memory.opened())
    let study = try await ArticleExamples.paraboloid(store: store)
    #expect(try study.trials.count == 100)
    let network = try Study.create("network", store: store, seed: 1)
    try await ArticleExamples.dependent(network)
    for trial in try network.trials {
      let names = trial.parameters.map(\.name)
      let layers = try #require(trial.parameters.first?.value.number)
      #expect(names.count { $0.hasPrefix("units_") } == Int(layers))
      let usesSGD = trial.parameters.contains { $0.value == .string("sgd") }
      #expect(names.contains("momentum") == usesSGD)
    }
    let curves = try await ArticleExamples.curves(store: store)
    #expect(try curves.trials.contains { $0.state == .pruned })
    let tradeoff = try await ArticleExamples.tradeoff(store: store)
    #expect(try tradeoff.trials.allSatisfy { $0.values.count == 2 })
    let own = try Study.create("own", store: store, seed: 1)
    try ArticleExamples.ownLoop(own)
    #expect(try own.trials.count == 11)
    #expect(try own.trials.last?.state == .waiting)
  }

  @Test func manyProcessesShareAStudy() async throws {
    let store = StoreLocation.open(try StoreLocation.memory.opened())
    async let first: Void = ArticleExamples.work(on: store)
    async let second: Void = ArticleExamples.work(on: store)
    _ = try await (first, second)
    let study = try Study.load("shared", store: store)
    #expect(try study.trials.map(\.number) == Array(0..<40))
    try ArticleExamples.askOnce(study)
    #expect(try study.trials.count == 41)
    guard case .coordinator(let access) = ArticleExamples.access(token: "nt_a_b") else {
      Issue.record("the location is no coordinator's")
      return
    }
    #expect(access.token == "nt_a_b")
  }
}
