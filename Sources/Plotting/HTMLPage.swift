extension Figure {
  /// The figure as a web page of one file. See ``HTMLPage/write(_:width:height:)``.
  ///
  /// - Parameters:
  ///   - width: In pixels, at least 320; the page scales the picture to the window. nil for what
  ///     suits the figure.
  ///   - height: In pixels, at least 300; nil for what suits the figure.
  public func html(width: Int? = nil, height: Int? = nil) -> String {
    HTMLPage.write([self], width: width, height: height)
  }

  /// The figure as a part of a page that has ``HTMLPage/script`` and ``HTMLPage/inkStyles``, in
  /// UTF-8.
  ///
  /// - Parameters: Those of ``html(width:height:)``.
  package func fragment(width: Int? = nil, height: Int? = nil) -> [UInt8] {
    var page = SVGText()
    HTMLPage.append(
      self, to: &page,
      width: width.map { min(max($0, Self.widths.lowerBound), Self.widths.upperBound) },
      height: height.map { min(max($0, Self.heights.lowerBound), Self.heights.upperBound) },
      hasStyle: false)
    return page.bytes
  }
}

/// Web pages of one file, which load nothing and send nothing.
///
/// A page is bright or dark as the screen asks or its button says, shows a point's data where the
/// pointer is, enlarges what is framed with the pointer, and switches series off and on.
public enum HTMLPage {
  /// The figures one below the other; at least one.
  ///
  /// - Parameters: Those of ``Figure/html(width:height:)``, for each figure.
  public static func write(_ figures: [Figure], width: Int? = nil, height: Int? = nil) -> String {
    precondition(!figures.isEmpty, "a page without a figure")
    var page = beginning(figures.map(\.title).joined(separator: ", "))
    for figure in figures { append(figure, to: &page, width: width, height: height) }
    page.append(ending)
    page.append(utf8: script)
    page.append("</script>\n</body>\n</html>\n")
    return page.string
  }

  /// What stands before the content of a page.
  static func beginning(_ title: String) -> SVGText {
    var page = SVGText()
    page.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>")
    page.append(escaping: title)
    page.append("</title>\n" + head)
    return page
  }

  /// What stands behind the content of a page and before its script.
  static let ending = "<div id=\"tip\" hidden></div>\n<script>\n"

  /// Adds the figure with what the script needs of it.
  ///
  /// - Parameter hasStyle: Whether the colours for dark screens come with the picture.
  static func append(
    _ figure: Figure, to page: inout SVGText, width: Int?, height: Int?, hasStyle: Bool = true
  ) {
    var scenes = [figure.scene(width: width, height: height)]
    // A picture that is scaled down cannot be read, so phones have one of their own.
    if width == nil, height == nil, hasStyle, figure.emptyReason == nil {
      scenes.append(figure.thinnedForPhone().scene(width: Figure.phoneWidth, height: nil))
    }
    let (svg, rows) = SVGWriter.write(scenes, hasStyle: hasStyle)
    page.append("<figure class=\"nf\">\n")
    page.append(svg)
    page.append(toolbar)
    page.append("<script type=\"application/json\" class=\"data\">")
    page.append(json: figure.makeTable(rows))
    page.append("</script>\n</figure>\n")
  }

  private static let toolbar = """
    <div class="bar"><span class="hint"></span>
    <button class="reset" hidden>Whole picture</button>
    <span class="marked" role="status"></span>
    <button class="unmark" hidden>Forget the ranges</button></div>

    """

  private static let head = """
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
    style-src 'unsafe-inline'; script-src 'unsafe-inline'">
    <style>
    :root { color-scheme: light; --bg: #fff; --fg: #1b1f24; --soft: #5b6570; --edge: #d5dae0 }
    :root[data-theme=dark] {
      color-scheme: dark; --bg: #14181d; --fg: #e9ecf0; --soft: #a3adb8; --edge: #3a424c }
    @media (prefers-color-scheme: dark) {
      :root:not([data-theme]) {
        color-scheme: dark; --bg: #14181d; --fg: #e9ecf0; --soft: #a3adb8; --edge: #3a424c }
    }
    body { margin: 0; background: var(--bg); color: var(--soft);
      font: 12.5px/1.5 system-ui, sans-serif }
    figure.nf { max-width: 1200px; margin: 0 auto 12px; position: relative }
    svg.nt { display: block; width: 100%; height: auto; user-select: none }
    svg.phone { display: none }
    @media (max-width: 600px) {
      svg.wide { display: none }
      svg.phone { display: block }
    }
    @media print { svg.wide { display: block } svg.phone { display: none } }
    .panel { cursor: crosshair }
    .range { fill: var(--fg); fill-opacity: 0.1; stroke: var(--fg); stroke-width: 1.2;
      pointer-events: none }
    .key[role] { cursor: pointer }
    .key:focus-visible { outline: 2px solid var(--soft); outline-offset: 3px }
    .key[aria-pressed=false] { opacity: 0.35 }
    .bar { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; padding: 0 22px;
      min-height: 28px }
    main { max-width: 860px; margin: 0 auto; padding: 12px 22px 40px; color: var(--fg);
      font-size: 15px }
    main figure.nf { margin: 0 -22px 12px }
    h1 { font-size: 24px; margin: 18px 40px 8px 0; overflow-wrap: anywhere }
    h2 { font-size: 18px; margin: 26px 0 6px }
    main .scroll { overflow-x: auto }
    main table { border-collapse: collapse; font-variant-numeric: tabular-nums }
    main th, main td { text-align: left; padding: 4px 18px 4px 0; vertical-align: top;
      border-bottom: 1px solid var(--edge); overflow-wrap: anywhere }
    main th { color: var(--soft); font-weight: 500; white-space: nowrap }
    main pre { overflow-x: auto; padding: 12px; border: 1px solid var(--edge); border-radius: 6px;
      font-size: 13px }
    button { font: inherit; color: var(--fg); background: var(--bg); border: 1px solid var(--edge);
      border-radius: 6px; padding: 2px 10px; cursor: pointer }
    #theme { position: fixed; right: 10px; top: 10px; z-index: 1; color: var(--soft) }
    #tip { position: fixed; pointer-events: none; max-width: 60vw; padding: 8px 11px; z-index: 2;
      background: var(--bg); color: var(--fg); border: 1px solid var(--edge); border-radius: 6px;
      box-shadow: 0 2px 10px #0003 }
    #tip[hidden] { display: none }
    #tip td { padding: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
    #tip td:first-child { padding-right: 14px; color: var(--soft); white-space: nowrap }
    @media print { .bar, #theme { display: none } }
    </style>
    </head>
    <body>
    <button id="theme" aria-label="Switch between bright and dark">◐</button>

    """
}
