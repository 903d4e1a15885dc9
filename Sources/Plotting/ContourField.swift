internal import System

/// A surface over the unit square, estimated from scattered points, and its level areas.
struct ContourField {
  private static let size = 56
  /// The height at the grid's points, row by row from below.
  private let heights: [Double]
  private let isEmpty: Bool

  /// Estimates each height as a mean of the points' heights that weighs near ones more: Shepard, "A
  /// Two-Dimensional Interpolation Function for Irregularly-Spaced Data", ACM 1968, with the fourth
  /// power of the distance and a radius below which points count alike.
  ///
  /// - Parameter points: Places in the unit square with heights from 0 to 1.
  init(_ points: [(place: Point, height: Double)]) {
    isEmpty = points.isEmpty
    var heights: [Double] = []
    heights.reserveCapacity(Self.size * Self.size)
    let radius = 0.0006
    for row in 0..<Self.size {
      for column in 0..<Self.size {
        let x = Double(column) / Double(Self.size - 1)
        let y = Double(row) / Double(Self.size - 1)
        var (sum, total) = (0.0, 0.0)
        for (place, height) in points {
          let (dx, dy) = (place.x - x, place.y - y)
          let distance = dx * dx + dy * dy + radius
          let weight = 1 / (distance * distance)
          sum += weight * height
          total += weight
        }
        heights.append(total > 0 ? sum / total : 0)
      }
    }
    self.heights = heights
  }

  /// Areas of one shade each, the lowest over the whole square, each higher one on those below it.
  ///
  /// - Parameter place: From the unit square to the figure's data.
  func layers(_ place: (Point) -> Point) -> [Figure.Layer] {
    guard !isEmpty else { return [] }
    let corners = [Point(0, 0), Point(1, 0), Point(1, 1), Point(0, 1)]
    let lowest = heights.min() ?? 0
    let base = Int(clamped: lowest * Double(Ink.shadeCount), to: 0...Ink.shadeCount - 1)
    var layers = [
      Figure.Layer(mark: .area, ink: .shade(base), opacity: 0.85, runs: [corners.map(place)])
    ]
    for shade in (base + 1)..<max(Ink.shadeCount, base + 1) where shade < Ink.shadeCount {
      let rings = rings(above: Double(shade) / Double(Ink.shadeCount))
      guard !rings.isEmpty else { break }
      layers.append(
        Figure.Layer(
          mark: .area, ink: .shade(shade), opacity: 0.85, runs: rings.map { $0.map(place) }))
    }
    return layers
  }

  /// A point on the edge between two neighbours of the padded grid.
  private struct Edge: Hashable {
    let column: Int
    let row: Int
    let isUpright: Bool
  }

  /// The closed lines around what is at least as high as `level`, by marching squares over the grid
  /// with a low border, so that every line closes.
  private func rings(above level: Double) -> [[Point]] {
    let padded = Self.size + 2
    func height(_ column: Int, _ row: Int) -> Double {
      guard column > 0, row > 0, column <= Self.size, row <= Self.size else { return level - 1 }
      return heights[(row - 1) * Self.size + column - 1]
    }
    var next: [Edge: Edge] = [:]
    for row in 0..<(padded - 1) {
      for column in 0..<(padded - 1) {
        let inside = [
          height(column, row) >= level, height(column + 1, row) >= level,
          height(column + 1, row + 1) >= level, height(column, row + 1) >= level,
        ]
        guard inside.contains(true), inside.contains(false) else { continue }
        // The square's sides, each from its corner to the next, counter-clockwise.
        let sides = [
          Edge(column: column, row: row, isUpright: false),
          Edge(column: column + 1, row: row, isUpright: true),
          Edge(column: column, row: row + 1, isUpright: false),
          Edge(column: column, row: row, isUpright: true),
        ]
        // A line enters where the corner behind is inside and leaves at the next change.
        for corner in 0..<4 where inside[corner] && !inside[(corner + 1) % 4] {
          var back = corner
          while inside[(back + 3) % 4] && back != (corner + 1) % 4 { back = (back + 3) % 4 }
          next[sides[corner]] = sides[(back + 3) % 4]
        }
      }
    }
    var rings: [[Point]] = []
    while let start = next.keys.min(by: {
      ($0.row, $0.column, $0.isUpright ? 1 : 0) < ($1.row, $1.column, $1.isUpright ? 1 : 0)
    }) {
      var ring: [Point] = []
      var edge = start
      while let following = next.removeValue(forKey: edge) {
        ring.append(point(on: edge, level, height))
        edge = following
      }
      if ring.count > 2 { rings.append(ring) }
    }
    return rings
  }

  /// Where the level is crossed, in the unit square.
  private func point(
    on edge: Edge, _ level: Double, _ height: (Int, Int) -> Double
  ) -> Point {
    let a = height(edge.column, edge.row)
    let b = edge.isUpright ? height(edge.column, edge.row + 1) : height(edge.column + 1, edge.row)
    var share = a == b ? 0.5 : (level - a) / (b - a)
    share = min(max(share, 0), 1)
    let x = Double(edge.column) + (edge.isUpright ? 0 : share)
    let y = Double(edge.row) + (edge.isUpright ? share : 0)
    func unit(_ place: Double) -> Double {
      min(max((place - 1) / Double(Self.size - 1), 0), 1)
    }
    return Point(unit(x), unit(y))
  }
}
