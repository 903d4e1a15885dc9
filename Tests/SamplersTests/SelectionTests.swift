import Foundation
import JSON
import Samplers
import StudyModel
import Testing

/// Holds ranks, crowding distances and elites against Optuna 5.0.0; Fixtures/nsga2.py made the
/// values.
@Suite struct SelectionTests {
  @Test func ranksCrowdingAndElitesAgree() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/nsga2.json")
    let fixture = try JSONValue(parsing: String(contentsOf: path, encoding: .utf8))
    let cases = try #require(fixture["cases"]?.array)
    #expect(cases.count == 120)
    for (index, one) in cases.enumerated() {
      try check(one, "case \(index)")
    }
  }

  private func check(_ one: JSONValue, _ place: Comment) throws {
    let directions = try #require(one["directions"]?.array).compactMap {
      $0.string.flatMap(Direction.init)
    }
    let violations = try #require(one["violations"]?.array).compactMap(\.number)
    let population = try #require(one["values"]?.array).enumerated().map { number, values in
      let values = try #require(values.array).compactMap(\.number)
      return Selection.Individual(
        number: number, losses: zip(directions, values).map { $0.loss($1) },
        violation: violations[number])
    }
    var ranks = Array(repeating: -1, count: population.count)
    var crowding = Array(repeating: -1.0, count: population.count)
    for (rank, group) in Selection.ranks(population).enumerated() {
      #expect(group == group.sorted())
      let distances = Selection.crowdingDistances(group.map { population[$0].losses })
      for (member, distance) in zip(group, distances) {
        ranks[member] = rank
        crowding[member] = distance
      }
    }
    #expect(
      try ranks == #require(one["ranks"]?.array).compactMap { $0.number.map { Int($0) } }, place)
    for (own, expected) in zip(crowding, try #require(one["crowding"]?.array)) {
      let expected = try #require(expected.number)
      // Sums of up to four quotients in another order.
      #expect(own == expected || abs(own - expected) <= 1e-14 * expected, place)
    }
    let size = try Int(#require(one["size"]?.number))
    let elite = Selection.elite(population, count: size)
    let expected = try #require(one["elite"]?.array).map {
      try #require($0.array).compactMap(\.number)
    }
    #expect(elite.map { Double($0.rank) } == expected.map { $0[0] }, place)
    for (own, other) in zip(elite, expected) {
      #expect(own.crowding == other[1] || abs(own.crowding - other[1]) <= 1e-14 * other[1], place)
    }
  }
}
