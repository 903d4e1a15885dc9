import Testing

@testable import CommandLineTool

/// The manual pages, which come from the table of the verbs.
@Suite struct ManualPageTests {
  @Test func tellsAllThatTheHelpTells() {
    let page = ManualPage.overview
    for verb in VerbTable.all.map({ $0.description }) {
      let own = ManualPage.page(on: verb)
      for option in verb.options {
        let name = option.name.replacing("-", with: "\\-")
        #expect(page.contains(name) && own.contains(name), "\(verb.name) \(option.name)")
      }
      #expect(page.contains("needletail \(verb.name)"))
    }
  }

  /// Nothing of a text is taken for a command of roff, and no page has two titles.
  @Test func escapesWhatRoffWouldHeed() {
    let pages = [ManualPage.overview] + VerbTable.all.map { ManualPage.page(on: $0.description) }
    let known = [".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".I", ".nf", ".fi"]
    for page in pages {
      let lines = page.split(separator: "\n").map(String.init)
      #expect(lines.count { $0.hasPrefix(".TH ") } == 1)
      for line in lines where line.hasPrefix(".") {
        #expect(known.contains(String(line.prefix { $0 != " " })), "\(line)")
      }
      #expect(!lines.contains { $0.hasPrefix("'") })
    }
  }
}
