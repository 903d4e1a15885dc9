/// A place in a scene, in pixels from the upper left corner, or in a figure's data.
typealias Point = SIMD2<Double>

/// Shapes in pixels, painted in their order: what a figure becomes before it is written.
struct Scene: Sendable {
  let width: Double
  let height: Double
  /// What the picture shows, for people who hear it.
  let title: String
  var shapes: [Shape] = []

  /// An area with its upper left corner.
  struct Rectangle: Sendable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    var maxX: Double { x + width }
    var maxY: Double { y + height }
  }

  struct Text: Sendable {
    enum Anchor: String, Sendable {
      case start
      case middle
      case end
    }

    var string: String
    var at: Point
    var size: Double
    var anchor: Anchor = .start
    var isBold = false
  }

  /// Something painted.
  indirect enum Shape: Sendable {
    case fill(Rectangle, Ink)
    case text(Text, Ink)
    case marks(Marks)
    /// Shapes of which only what lies within the area is seen.
    case clipped(to: Rectangle, [Shape])
  }

  /// Points or lines of one appearance.
  struct Marks: Sendable {
    var mark: Mark
    var ink: Ink
    var opacity = 1.0
    /// The points; a line connects those of a run.
    var runs: [[Point]]
    /// The table row of each point, in the order of the runs; empty if pointing at them shows nothing.
    var rows: [Int] = []
  }
}

/// How points are drawn.
enum Mark: Sendable, Hashable {
  case dots(radius: Double)
  case squares(radius: Double)
  case crosses(radius: Double)
  /// Upright strokes centred on the points.
  case ticks(height: Double, width: Double)
  case line(width: Double, dashed: Bool = false)
}
