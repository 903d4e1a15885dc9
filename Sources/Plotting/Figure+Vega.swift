public import StudyModel

extension Figure {
  /// The figure as a Vega-Lite specification, version 5, with its data within.
  public var vegaLite: JSONValue { [:] }
}
