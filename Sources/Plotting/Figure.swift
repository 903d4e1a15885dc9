public import JSON
internal import StudyModel

/// A picture of studies: what is shown, free of size and file format.
///
/// The same figure always gives the same bytes.
public struct Figure: Sendable {
  /// The heading.
  public let title: String
  /// How many trials there are, in which states, and the best of them.
  public let subtitle: String
  /// One sentence that stands in the picture's place when there is nothing to show; else nil.
  public let emptyReason: String?
  /// Sentences on what is left out, such as points thinned out or values that are not finite.
  public let notes: [String]

  /// The areas with axes, in the order they are painted; at least one unless there is nothing to
  /// show.
  var panels: [Panel]
  let legend: [LegendEntry]
  /// Makes the rows of that index, or all: what a page shows of a point.
  let makeTable: @Sendable ([Int]?) -> FigureTable
  /// Makes what is written as the figure's data, where that is not the rows that a page shows.
  var makeData: (@Sendable () -> FigureTable)?

  /// One area with its axes.
  struct Panel: Sendable {
    var x: Axis
    var y: Axis
    var layers: [Layer] = []
    /// Texts beside points.
    var labels: [Label] = []
    /// Upright axes, one per category of `x`, that replace `y`, whose values are positions on them:
    /// 0 at the lower end and 1 at the upper one. `x` leaves 0.3 before the first and 0.75 behind
    /// the last for their texts.
    var uprights: [Axis] = []
    /// The panel's place in the grid, counted from the upper left corner.
    var row = 0
    var column = 0
    /// Whether numbers and name of an axis are left to a neighbour.
    var hidesX = false
    var hidesY = false
  }

  /// Points or lines of one appearance, in the figure's data.
  struct Layer: Sendable {
    var mark: Mark
    var ink: Ink
    var opacity = 1.0
    /// Finite points within the axes; a line connects those of a run.
    var runs: [[Point]]
    /// The table row of each point, in the order of the runs; empty if pointing at them shows
    /// nothing.
    var rows: [Int] = []
    /// Which of the strips at the bottom the points stand in, whatever their second number; nil for
    /// the area above.
    var rugLane: Int?
    /// The legend's entry that switches the layer off and on; nil for one that always shows.
    var series: Int?
  }

  /// A text to the right of a point.
  struct Label: Sendable {
    var string: String
    var at: Point
  }

  struct LegendEntry: Sendable {
    var name: String
    var mark: Mark
    var ink: Ink
    /// For an entry that explains the shades instead: what they mean.
    var shades: Shades?
  }

  /// What the shades of a scale mean.
  struct Shades: Sendable {
    /// What the first shade stands for, in a word.
    var low: String
    /// What the last shade stands for, in a word.
    var high: String
    /// Labels along the scale, ascending from 0 for its beginning to 1 for its end.
    var ticks: [Axis.Tick]
    /// From the first to the last.
    var inks = (0..<Ink.shadeCount).map { Ink.shade($0) }
  }

  init(
    title: String, subtitle: String, emptyReason: String? = nil, notes: [String] = [],
    panels: [Panel], legend: [LegendEntry] = [],
    makeTable: @escaping @Sendable ([Int]?) -> FigureTable,
    makeData: (@Sendable () -> FigureTable)? = nil
  ) {
    self.title = title
    self.subtitle = subtitle
    self.emptyReason = emptyReason
    self.notes = notes
    self.panels = panels
    self.legend = legend
    self.makeTable = makeTable
    self.makeData = makeData
  }

  /// A figure of one panel.
  init(
    title: String, subtitle: String, emptyReason: String? = nil, notes: [String] = [], x: Axis,
    y: Axis, layers: [Layer], legend: [LegendEntry],
    makeTable: @escaping @Sendable ([Int]?) -> FigureTable
  ) {
    self.init(
      title: title, subtitle: subtitle, emptyReason: emptyReason, notes: notes,
      panels: [Panel(x: x, y: y, layers: layers)], legend: legend, makeTable: makeTable)
  }

  /// The layers, each switched by the first legend's entry of its ink.
  static func connected(_ layers: [Layer], to legend: [LegendEntry]) -> [Layer] {
    layers.map { layer in
      var layer = layer
      layer.series = layer.series ?? legend.firstIndex { $0.ink == layer.ink && $0.shades == nil }
      return layer
    }
  }

  /// The layers of all panels.
  var layers: [Layer] { panels.flatMap(\.layers) }
  /// The number of rows and columns of the grid; at least 1.
  var gridSize: (rows: Int, columns: Int) {
    panels.reduce((1, 1)) { (max($0.0, $1.row + 1), max($0.1, $1.column + 1)) }
  }

  /// What the figure shows, as rows: one per trial, report, parameter or bar.
  public var data: FigureTable { makeData?() ?? makeTable(nil) }
}

/// Rows with named columns.
public struct FigureTable: Sendable {
  /// The columns, all of one length.
  public let columns: [Column]
  /// The number of rows.
  public let count: Int

  /// A column.
  public struct Column: Sendable {
    /// Its heading.
    public let name: String
    /// One cell per row; null where there is nothing.
    public let cells: [JSONValue]
  }

  /// A table of those columns with as many rows as they have.
  init(_ columns: [(name: String, cells: [JSONValue])]) {
    self.columns = columns.map { Column(name: $0.name, cells: $0.cells) }
    count = columns.first?.cells.count ?? 0
  }

  init(columns: [Column], count: Int) {
    self.columns = columns
    self.count = count
  }
}
