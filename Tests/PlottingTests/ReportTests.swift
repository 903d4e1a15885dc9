import Foundation
import Plotting
import StudyModel
import Testing

/// A study as a report of one file.
@Suite struct ReportTests {
  private static let facts = StudyReport.Facts(
    file: "name: made\n# a \"comment\" with ``` and <b>\n", space: [("x", "float 0...1")],
    writer: "needletail 0")

  @Test("a report has the question, the answer, how sure it is, what mattered and how to repeat it")
  func parts() throws {
    let study = try Samples.varied(60)
    let report = StudyReport(study, Self.facts)
    let text = report.markdown(withPictures: false)
    for heading in [
      "Question", "Answer", "How sure that is", "What mattered", "Space", "Figures",
      "How to repeat it",
    ] {
      #expect(text.contains("\n## \(heading)\n"), "\(heading)")
    }
    #expect(text.contains("Use trial ") && text.contains("Slices of varied"))
    #expect(text.contains("````yaml\nname: made\n# a \"comment\" with ``` and <b>\n````"))
    #expect(report.markdown(withPictures: true).contains("](data:image/svg+xml,%3Csvg"))
    let page = report.html
    #expect(page.contains("<h2>Answer</h2>") && page.contains("figure class=\"nf\""))
    #expect(page.contains("name: made\n# a &quot;comment&quot;"))
    #expect(page.utf8.count < 1_500_000)
    for marker in ["<script src", "<link", "url(", "<b>"] { #expect(!page.contains(marker)) }
  }

  @Test("names from outside stay text in both forms, and odd studies have a report")
  func oddStudies() throws {
    for name in Samples.hostileNames {
      let report = StudyReport(try Samples.study(12, name: name, steps: 2), Self.facts)
      #expect(!report.html.contains("<script>alert") && !report.html.contains("<svg on"))
      let lines = report.markdown(withPictures: false).split(separator: "\n")
      #expect(lines.count { $0.hasPrefix("# ") && !$0.contains("comment") } == 1, "\(name)")
      #expect(!lines.contains { $0.contains("<script>") && !$0.contains("\\<script") }, "\(name)")
    }
    for study in [
      Samples.completed([]), Samples.completed([1]), Samples.completed([.nan, .infinity]),
      Samples.unfinished(3, state: .failed), try Samples.varied(30, objectives: 2),
    ] {
      let report = StudyReport(study, Self.facts)
      #expect(report.html.contains("<h2>Answer</h2>"))
      #expect(report.markdown(withPictures: false).contains("## Answer"))
    }
  }
}
