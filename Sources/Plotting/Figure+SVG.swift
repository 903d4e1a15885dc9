extension Figure {
  /// The size of a picture when nothing else is asked for, in pixels.
  public static let defaultSize = (width: 860, height: 500)

  /// The figure as a self-contained SVG document, bright or dark as the screen asks.
  ///
  /// - Parameters:
  ///   - width: In pixels, at least 320.
  ///   - height: In pixels, at least 300.
  public func svg(
    width: Int = defaultSize.width, height: Int = defaultSize.height
  ) -> String {
    SVGWriter.write(scene(width: width, height: height)).svg.string
  }

  func scene(width: Int, height: Int) -> Scene {
    precondition(
      Self.widths.contains(width) && Self.heights.contains(height), "\(width) by \(height) pixels")
    return FigureLayout.scene(of: self, width: Double(width), height: Double(height))
  }

  /// The widths and heights that a picture can have, in pixels.
  static let widths = 320...10_000
  static let heights = 300...10_000
}
