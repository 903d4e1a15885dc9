extension HTMLPage {
  /// What the page does: hover, zoom, switching series and colours; in UTF-8. Text from outside
  /// only ever becomes text nodes.
  ///
  /// Another page may add figures later and call `needletailFigure` with each.
  package static let script = PackageResources.figure_js

  /// The colours of pictures on dark screens, as a style sheet of its own.
  package static let inkStyles =
    "@media (prefers-color-scheme: dark) {" + Ink.all.map { $0.darkRules("") }.joined() + " }\n"
}
