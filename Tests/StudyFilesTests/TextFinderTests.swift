import StudyFiles
import Testing

@Suite struct TextFinderTests {
  @Test(arguments: [
    (#"<(\d+)>"#, "job <12> of <34>", "12"),
    (#"\d+"#, "job 12", "12"),
    // The first group that takes part in the match.
    (#"id=(\d+)|name=(\w+)"#, "name=größe", "größe"),
    (#"(x)?\d+"#, "7", "7"),
  ])
  func findsTheFirstGroup(expression: String, text: String, found: String) throws {
    #expect(try TextFinder(expression).first(in: text) == found)
  }

  @Test(arguments: [
    (#"<(\d+)>"#, ""), (#"<(\d+)>"#, "job 12"),
    // Would take years.
    (#"(a+)+b"#, String(repeating: "a", count: 60)),
  ])
  func findsNothing(expression: String, text: String) throws {
    #expect(try TextFinder(expression).first(in: text) == nil)
  }

  @Test func refusesWhatIsNoExpression() {
    #expect(throws: ExpressionFault.self) { try TextFinder("(") }
  }
}
