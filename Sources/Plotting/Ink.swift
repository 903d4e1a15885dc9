/// What something is painted in: a role, with a colour for bright and one for dark backgrounds.
///
/// The series' colours are those of Okabe and Ito, "Color Universal Design" (2008), which people with
/// any colour vision can tell apart; on dark they are lightened.
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

  /// The colours of series that are shown together, in this order.
  static let series: [Ink] = [.blue, .orange, .green, .purple, .vermillion, .sky]

  /// Every ink, for the style sheet.
  static let all: [Ink] =
    [.background, .text, .secondaryText, .grid, .axis, .muted] + series

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
    }
  }
}
