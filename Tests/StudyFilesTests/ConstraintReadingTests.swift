import StudyFiles
import StudyModel
import Testing

@Suite struct ConstraintReadingTests {
  private static let parameters = """
    parameters:
      layers: {low: 1, high: 8}
      width: {low: 8, high: 512, log: true}
      kind: [small, large]

    """

  private func file(_ text: String) throws -> StudyFile {
    try StudyFile(text: Self.parameters + text, path: "s.yaml")
  }

  @Test func readsComparisonsAndMetrics() throws {
    let file = try file(
      "constraints: [layers * width <= 1e6, latency, \"width != 100\", val/size]")
    #expect(file.space.constraints.map(\.text) == ["layers * width <= 1e6", "width != 100"])
    #expect(file.constraintMetrics == ["latency", "val/size"])
    #expect(try self.file("constraints: latency").constraintMetrics == ["latency"])
    #expect(try self.file("").space.constraints.isEmpty)
    #expect(try self.file("repeats: true").allowsRepeats)
    #expect(try !self.file("").allowsRepeats)
  }

  @Test(arguments: [
    (
      "layer * width <= 1",
      "the constraint 'layer * width <= 1' names 'layer', which is no parameter; did you mean 'layers'?"
    ),
    ("kind <= 1", "the constraint 'kind <= 1' names 'kind', whose choice 'small' is no number"),
    (
      "layers * <= 1",
      "the constraint 'layers * <= 1' cannot be read: it has '<' at character 10, where a number or "
        + "a parameter is needed"
    ),
    ("layers", "the constraint 'layers' is a parameter; compare it, as in 'layers <= 1'"),
    (
      "objective", "the constraint 'objective' is a metric that stands already; remove one"
    ),
  ])
  func refuses(constraint: String, sentence: String) {
    let error = #expect(throws: StudyFileError.self) { try file("constraints: [\(constraint)]") }
    #expect(error?.problem == sentence)
    #expect(error?.location?.line == 5)
  }
}
