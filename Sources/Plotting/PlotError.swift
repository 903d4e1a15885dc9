/// Why a picture cannot be made or written.
public enum PlotError: Error, Hashable {
  /// The file's name ends in nothing known.
  case unknownFormat(path: String)
  /// A size outside what a picture can have.
  case badSize(width: Int, height: Int)
  /// More pixels per pixel than make sense, or none.
  case badScale(Double)
  /// A library that PNG and PDF need is not there.
  case missingLibrary(name: String)
  /// The system has no font to draw text with.
  case missingFonts
  /// librsvg or cairo refused.
  case cannotDraw(reason: String)
  /// The file cannot be written; what was there is unchanged.
  case cannotWrite(path: String, reason: String)
}

extension PlotError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownFormat(let path):
      "cannot tell the format of '\(path)'; let its name end in .svg, .png, .pdf or .html"
    case .badSize(let width, let height):
      "a picture cannot be \(width) by \(height) pixels; give a width from "
        + "\(Figure.widths.lowerBound) to \(Figure.widths.upperBound) and a height from "
        + "\(Figure.heights.lowerBound) to \(Figure.heights.upperBound)"
    case .badScale(let scale):
      "a picture cannot be scaled by \(scale); give a number from 0.1 to 10 that leaves it within "
        + "100 megapixels"
    case .missingLibrary(let name):
      "PNG and PDF need \(name), which is not installed; install it (Debian: apt install "
        + "librsvg2-2 fonts-dejavu-core, macOS: brew install librsvg), or write SVG or HTML"
    case .missingFonts:
      "PNG and PDF need a font, and none is installed; install one (Debian: apt install "
        + "fonts-dejavu-core), or write SVG or HTML"
    case .cannotDraw(let reason):
      "the picture could not be drawn: \(reason); write SVG or HTML instead"
    case .cannotWrite(let path, let reason):
      "cannot write '\(path)': \(reason); choose another path"
    }
  }
}
