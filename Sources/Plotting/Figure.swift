public import StudyModel

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

  let x: Axis
  let y: Axis
  let layers: [Layer]
  let legend: [LegendEntry]
  /// Makes the rows of that index, or all.
  let makeTable: @Sendable ([Int]?) -> FigureTable

  /// Points or lines of one appearance, in the figure's data.
  struct Layer: Sendable {
    var mark: Mark
    var ink: Ink
    var opacity = 1.0
    /// Finite points within the axes; a line connects those of a run.
    var runs: [[Point]]
    /// The table row of each point, in the order of the runs; empty if pointing at them shows nothing.
    var rows: [Int] = []
    /// Which of the strips at the bottom the points stand in, whatever their second number; nil for
    /// the area above.
    var rugLane: Int?
  }

  struct LegendEntry: Sendable {
    var name: String
    var mark: Mark
    var ink: Ink
  }

  /// What the figure shows, as rows: one per trial, or one per report.
  public var data: FigureTable { makeTable(nil) }
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
}
