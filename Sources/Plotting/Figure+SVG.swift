extension Figure {
  /// The size of a picture when nothing else is asked for, in pixels.
  public static let defaultSize = (width: 860, height: 500)

  /// The figure as a self-contained SVG document, bright or dark as the screen asks.
  ///
  /// - Parameters:
  ///   - width: In pixels, at least 320; nil for what suits the figure.
  ///   - height: In pixels, at least 300; nil for what suits the figure.
  public func svg(width: Int? = nil, height: Int? = nil) -> String {
    SVGWriter.write(scene(width: width, height: height)).string
  }

  /// The size that suits the figure: ``defaultSize`` for one panel, more for many.
  public var preferredSize: (width: Int, height: Int) {
    let (rows, columns) = gridSize
    guard panels.count > 1 else {
      guard let axis = panels.first?.y, axis.scale == .categories else { return Self.defaultSize }
      // Few beams need little room.
      return (Self.defaultSize.width, min(max(200 + 32 * axis.categories.count, 300), 560))
    }
    let width = min(max(Self.defaultSize.width, 240 * columns), 1_400)
    // Panels are about as high as they are wide where there are several rows.
    let height =
      rows == 1 ? 430 : 130 + min(rows * max(min(width / columns * 4 / 5, 260), 180), 1_300)
    return (width, height)
  }

  /// The size of a picture of which that is asked: where it is nil, what suits the figure, and of a
  /// height what suits the width.
  func size(_ width: Int?, _ height: Int?) -> (width: Int, height: Int) {
    let own = width ?? preferredSize.width
    // A width beyond all bounds is refused later.
    return (own, height ?? preferredHeight(forWidth: max(own, Self.widths.lowerBound)))
  }

  /// The figure's shapes on a canvas of ``size(_:_:)``.
  func scene(width: Int?, height: Int?) -> Scene {
    let (width, height) = size(width, height)
    precondition(
      Self.widths.contains(width) && Self.heights.contains(height), "\(width) by \(height) pixels")
    return FigureLayout.scene(
      of: arranged(forWidth: width), width: Double(width), height: Double(height))
  }

  /// The widths and heights that a picture can have, in pixels.
  static let widths = 320...10_000
  static let heights = 300...10_000
}
