internal import System

/// What something is painted in: a role, with a colour for bright and one for dark backgrounds.
///
/// The series' colours are those of Okabe and Ito, "Color Universal Design" (2008), which people
/// with any colour vision can tell apart; on dark they are lightened.
enum Ink: Hashable, Sendable {
  case background
  case text
  case secondaryText
  case grid
  case axis
  case muted
  case blue
  case orange
  case green
  case purple
  case vermillion
  case sky
  /// One of ``shadeCount`` shades of a scale, of which the last stands out most.
  case shade(Int)

  /// The number of shades.
  static let shadeCount = 12

  /// The shade of a share between 0 and 1.
  static func shade(of share: Double) -> Ink {
    .shade(Int(clamped: share * Double(shadeCount), to: 0...shadeCount - 1))
  }

  /// The colours of series that are shown together, in this order.
  static let series: [Ink] = [.blue, .orange, .green, .purple, .vermillion, .sky]

  /// Every ink, for the style sheet.
  static let all: [Ink] =
    [.background, .text, .secondaryText, .grid, .axis, .muted] + series
    + (0..<shadeCount).map { .shade($0) }

  /// The class in the style sheet.
  var name: String {
    switch self {
    case .background: "bg"
    case .text: "tx"
    case .secondaryText: "t2"
    case .grid: "gr"
    case .axis: "ax"
    case .muted: "mu"
    case .blue: "bl"
    case .orange: "or"
    case .green: "gn"
    case .purple: "pu"
    case .vermillion: "ve"
    case .sky: "sk"
    case .shade(let place): "q\(place)"
    }
  }

  var light: String {
    switch self {
    case .background: "#ffffff"
    case .text: "#1b1f24"
    case .secondaryText: "#5b6570"
    case .grid: "#e8ebef"
    case .axis: "#a8b1bb"
    case .muted: "#7d8893"
    case .blue: "#0072b2"
    case .orange: "#e69f00"
    case .green: "#009e73"
    case .purple: "#cc79a7"
    case .vermillion: "#d55e00"
    case .sky: "#56b4e9"
    case .shade(let place): Self.lightShades[place]
    }
  }

  var dark: String {
    switch self {
    case .background: "#14181d"
    case .text: "#e9ecf0"
    case .secondaryText: "#a3adb8"
    case .grid: "#272d35"
    case .axis: "#545e69"
    case .muted: "#8b96a2"
    case .blue: "#4ba3dc"
    case .orange: "#f0b43c"
    case .green: "#2bbf95"
    case .purple: "#dc9bc0"
    case .vermillion: "#f5843f"
    case .sky: "#9bd4f5"
    case .shade(let place): Self.darkShades[place]
    }
  }

  /// Rules of a style sheet that give what is painted in it its dark colour.
  ///
  /// - Parameter scope: A selector before that of the picture, with a space behind it, or nothing.
  func darkRules(_ scope: String) -> String {
    " \(scope).nt .\(name) { fill: \(dark) } \(scope).nt .\(name)s { stroke: \(dark) }"
  }

  /// Viridis by van der Walt and Smith (2015), which is as even for colour-blind eyes, from its
  /// bright end to its dark one; the brightest of it would not be seen on white.
  private static let lightShades = [
    "#e0e324", "#a7da34", "#71cf56", "#44bd71", "#26a982", "#20958b",
    "#27808e", "#2f6c8e", "#39548b", "#433b83", "#482072", "#440154",
  ]
  /// The same from its dark end, without the darkest, to its bright one.
  private static let darkShades = [
    "#443a83", "#3b508a", "#32658d", "#2a788e", "#24898d", "#1e9b8a",
    "#28ad81", "#45be70", "#6dcd59", "#9ad83c", "#cce023", "#fde725",
  ]
}
