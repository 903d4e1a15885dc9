import StudyModel
import Testing

@Suite struct PointSetTests {
  /// Eight parameters with conditions on choices, numbers and each other.
  private func conditional() throws -> SearchSpace {
    var space = SearchSpace()
    try space.append(Parameter("n", .int(IntDistribution(low: 1, high: 9, step: 2))))
    try space.append(Parameter("kind", .categorical(CategoricalDistribution(["a", "b", 1, "c"]))))
    try space.append(
      Parameter("x", .float(FloatDistribution(low: 0, high: 1, step: 0.25))),
      when: [.init(parent: "kind", values: ["b", 1])])
    try space.append(
      Parameter("y", .int(IntDistribution(low: 0, high: 2))),
      when: [.init(parent: "kind", values: ["b"]), .init(parent: "n", values: [3, 9])])
    try space.append(
      Parameter("z", .categorical(CategoricalDistribution([true, false]))),
      when: [.init(parent: "y", values: [1])])
    return space
  }

  @Test("each point of a conditional space has one number, and no other point")
  func numbersAreOneToOne() throws {
    let space = try conditional()
    let points = try #require(PointSet(space))
    // By hand, per n: a and c 1 each, 1 has 5 x; b has 5 x, times 1, or times (3 y, one with 2 z)
    // for n = 3 and 9: 5 · 7 + 2 · 5 · 4 + 3 · 5.
    let count = try #require(points.count)
    #expect(count == 5 * 7 + 2 * 5 * 4 + 3 * 5)
    var seen: Set<[ParameterAssignment]> = []
    for number in 0..<count {
      let point = points.point(number)
      #expect(seen.insert(point).inserted)
      #expect(
        points.number { name in point.first { $0.name == name }?.internalValue } == number)
      // The parameters are those that a walk through the space asks for.
      var names: [String] = []
      space.visit { parameter in
        names.append(parameter.name)
        return point.first { $0.name == parameter.name }?.value ?? .null
      }
      #expect(names == point.map(\.name))
      #expect(point.allSatisfy { $0.distribution.contains($0.internalValue) })
    }
  }

  @Test func continuaAreDividedOrRefused() throws {
    let space = try SearchSpace([
      Parameter("lr", .float(FloatDistribution(low: 1e-4, high: 1, log: true))),
      Parameter("m", .float(FloatDistribution(low: 0, high: 1))),
    ])
    #expect(PointSet(space) == nil)
    let points = try #require(PointSet(space, dividingContinua: 5))
    #expect(points.count == 25)
    let values = (0..<25).map { points.point($0).map(\.internalValue) }
    #expect(values[0] == [1e-4, 0])
    #expect(values[24] == [1, 1])
    #expect(abs(values[10][0] - 1e-2) < 1e-15)
    #expect(values[2] == [1e-4, 0.5])
    for number in 0..<25 {
      #expect(points.number { $0 == "lr" ? values[number][0] : values[number][1] } == number)
    }
    #expect(points.number { $0 == "lr" ? 3e-3 : 0 } == nil)
    #expect(points.number { $0 == "lr" ? 1 : nil } == nil)
  }

  @Test("spaces without number are known for it")
  func hugeSpaces() throws {
    let all = IntDistribution.largestMagnitude
    let wide = Parameter("a", .int(try IntDistribution(low: -all, high: all)))
    #expect(try #require(PointSet(SearchSpace([wide]))).count == nil)
    let half = Parameter("b", .int(try IntDistribution(low: 0, high: 1 << 30)))
    let other = Parameter("c", .int(try IntDistribution(low: 0, high: 1 << 30)))
    #expect(try #require(PointSet(SearchSpace([half, other]))).count == nil)
    let large = try #require(PointSet(SearchSpace([half])))
    let last = try #require(large.count) - 1
    #expect(large.point(last).map(\.internalValue) == [0x1p30])
    #expect(PointSet(SearchSpace())?.count == 1)
  }
}
