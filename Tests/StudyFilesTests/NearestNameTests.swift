import StudyFiles
import Testing

@Suite struct NearestNameTests {
  @Test(arguments: [
    ("tirals", "trials"), ("Learning-Rate", "learning_rate"), ("metics", "metric"),
    ("comand", "command"), ("comandd", "command"),
  ])
  func finds(typed: String, meant: String) {
    #expect(
      nearest(to: typed, among: ["command", "metric", "trials", "learning_rate"]) == meant)
  }

  @Test(arguments: ["", "x", "qwertyuiop", String(repeating: "a", count: 100_000)])
  func findsNothing(typed: String) {
    #expect(nearest(to: typed, among: ["command", "metric"]) == nil)
  }
}
