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
    /// Shapes that a page's script treats as one thing.
    case group(Role, [Shape])
  }

  /// What a group of shapes is to a page's script.
  enum Role: Sendable {
    /// An area with its axes: the data's rectangle, without strips at the bottom, and where upright
    /// axes stand.
    case panel(Rectangle, x: Axis, y: Axis, uprights: [(x: Double, axis: Axis)])
    /// Lines and labels of the horizontal axis, or of the vertical one.
    case ticks(isHorizontal: Bool)
    /// The legend's entry of that number, which can be switched.
    case key(Int)
  }

  /// Points or lines of one appearance.
  struct Marks: Sendable {
    var mark: Mark
    var ink: Ink
    var opacity = 1.0
    /// The points; a line connects those of a run.
    var runs: [[Point]]
    /// The table row of each point, in the order of the runs; empty if pointing at them shows
    /// nothing.
    var rows: [Int] = []
    /// The legend's entry that switches the marks; nil for none.
    var series: Int?
    /// Whether the marks stand in a strip at the bottom, so that only their horizontal place
    /// counts.
    var isRug = false
  }

  /// All shapes, those in groups and clipped areas included, in the order they are painted.
  var allShapes: [Shape] { Self.flat(shapes) }

  private static func flat(_ shapes: [Shape]) -> [Shape] {
    shapes.flatMap { shape in
      switch shape {
      case .clipped(_, let inner), .group(_, let inner): flat(inner)
      case .fill, .text, .marks: [shape]
      }
    }
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
  /// A beam from the first point of a run to its second: in a figure as thick as that share of a
  /// band of the vertical axis, in a scene as thick as that many pixels.
  case bar(thickness: Double)
  /// What the run encloses.
  case area
}
