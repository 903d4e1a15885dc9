internal import StudyModel

extension Figure {
  /// The figure as a web page of one file, bright or dark as the screen asks, that shows a point's
  /// data where the pointer is. It loads nothing and sends nothing.
  ///
  /// - Parameters:
  ///   - width: In pixels, at least 320; the page scales the picture to the window.
  ///   - height: In pixels, at least 300.
  public func html(
    width: Int = defaultSize.width, height: Int = defaultSize.height
  ) -> String {
    let scene = scene(width: width, height: height)
    let (svg, rows) = SVGWriter.write(scene, isInteractive: true)
    var page = SVGText()
    page.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>")
    page.append(escaping: title)
    page.append("</title>\n" + HTMLPage.head)
    page.append(svg)
    page.append("<div id=\"tip\" hidden></div>\n<script type=\"application/json\" id=\"data\">")
    page.append(json: makeTable(rows))
    page.append("</script>\n" + HTMLPage.script)
    return page.string
  }
}

/// The fixed parts of a page.
private enum HTMLPage {
  static let head = """
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
    style-src 'unsafe-inline'; script-src 'unsafe-inline'">
    <style>
    :root { color-scheme: light dark; --bg: #fff; --fg: #1b1f24; --soft: #5b6570; --edge: #d5dae0 }
    @media (prefers-color-scheme: dark) {
      :root { --bg: #14181d; --fg: #e9ecf0; --soft: #a3adb8; --edge: #3a424c }
    }
    body { margin: 0; background: var(--bg) }
    svg.nt { display: block; width: 100%; max-width: 1200px; height: auto; margin: 0 auto }
    #tip { position: fixed; pointer-events: none; max-width: 60vw; padding: 8px 11px;
      background: var(--bg); color: var(--fg); border: 1px solid var(--edge); border-radius: 6px;
      box-shadow: 0 2px 10px #0003; font: 12.5px/1.5 system-ui, sans-serif }
    #tip[hidden] { display: none }
    #tip td { padding: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
    #tip td:first-child { padding-right: 14px; color: var(--soft); white-space: nowrap }
    </style>
    </head>
    <body>

    """

  /// Finds the point next to the pointer and shows its row. Text from outside only ever becomes text
  /// nodes.
  static let script = """
    <script>
    'use strict';
    (() => {
      const data = JSON.parse(document.getElementById('data').textContent);
      const svg = document.querySelector('svg.nt'), tip = document.getElementById('tip');
      const xs = [], ys = [];
      for (const path of svg.querySelectorAll('[data-row]')) {
        const d = path.getAttribute('d'), dx = path.dataset.dx;
        let row = +path.dataset.row;
        const add = (x, y) => { xs[row] = x; ys[row] = y; row += 1; };
        if (dx === undefined) {
          const n = d.replace(/h0/g, '').match(/-?[\\d.]+/g) || [];
          for (let i = 0; i + 1 < n.length; i += 2) add(+n[i], +n[i + 1]);
        } else {
          for (const part of d.split('M').slice(1)) {
            const n = part.match(/-?[\\d.]+/g);
            add(+n[0] + +dx, +n[1] + +path.dataset.dy);
          }
        }
      }
      const ring = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
      ring.setAttribute('r', '7');
      ring.setAttribute('fill', 'none');
      ring.setAttribute('stroke-width', '2');
      ring.style.stroke = 'var(--fg)';
      ring.style.pointerEvents = 'none';
      let shown = -1;
      const hide = () => { tip.hidden = true; ring.remove(); shown = -1; };
      const cell = (column, row) => {
        const value = column.cells[row];
        return column.levels && value !== null ? column.levels[value] : value;
      };
      svg.addEventListener('pointermove', event => {
        const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
        const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
        let best = -1, least = 900;
        for (let i = 0; i < xs.length; i++) {
          const far = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
          if (far < least) { least = far; best = i; }
        }
        if (best < 0) { hide(); return; }
        if (best !== shown) {
          shown = best;
          ring.setAttribute('cx', xs[best]);
          ring.setAttribute('cy', ys[best]);
          svg.append(ring);
          const table = document.createElement('table');
          for (const column of data.columns) {
            const value = cell(column, best);
            if (value === null || value === undefined) continue;
            const line = table.insertRow();
            line.insertCell().textContent = column.name;
            line.insertCell().textContent = String(value);
          }
          if (data.more) {
            const line = table.insertRow();
            line.insertCell().textContent = '';
            line.insertCell().textContent = 'and ' + data.more + ' more columns';
          }
          tip.replaceChildren(table);
          tip.hidden = false;
        }
        const left = event.clientX + 16, w = tip.offsetWidth, h = tip.offsetHeight;
        tip.style.left = Math.max(4, left + w > innerWidth ? event.clientX - w - 16 : left) + 'px';
        tip.style.top = Math.max(4, Math.min(event.clientY + 16, innerHeight - h - 4)) + 'px';
      });
      svg.addEventListener('pointerleave', hide);
    })();
    </script>
    </body>
    </html>

    """
}

extension SVGText {
  /// The number of cells that a page holds at most, so that it opens at once.
  private static var cellLimit: Int { 130_000 }

  /// Appends the table as JSON without `<`: the columns that fit, texts by their place in a list of
  /// levels, numbers to five digits.
  fileprivate mutating func append(json table: FigureTable) {
    let fitting = max(4, Self.cellLimit / max(table.count, 1))
    let columns = table.columns.prefix(fitting)
    append("{\"columns\":[")
    for (index, column) in columns.enumerated() {
      append(index == 0 ? "{\"name\":" : ",\n{\"name\":")
      append(jsonString: column.name)
      append(cells: column.cells)
      append("}")
    }
    append("],\"more\":\(table.columns.count - columns.count)}")
  }

  private mutating func append(cells: [JSONValue]) {
    let isNumeric = cells.allSatisfy { cell in
      switch cell {
      case .null, .integer: true
      case .float(let value): value.isFinite
      case .bool, .string, .array, .object: false
      }
    }
    var levels: [String] = []
    var places: [String: Int] = [:]
    append(",\"cells\":[")
    for (index, cell) in cells.enumerated() {
      if index > 0 { append(",") }
      if case .null = cell {
        append("null")
      } else if isNumeric, let number = cell.number {
        append(fiveDigits: number)
      } else {
        // By its text: NaN, which is a choice like any other, equals no key.
        let text = cell.parameterValue?.description ?? cell.text()
        let place = places[text] ?? levels.count
        if place == levels.count {
          levels.append(text)
          places[text] = place
        }
        append(digitsOf: UInt(place))
      }
    }
    append("]")
    guard !isNumeric else { return }
    append(",\"levels\":[")
    for (index, level) in levels.enumerated() {
      if index > 0 { append(",") }
      append(jsonString: level)
    }
    append("]")
  }

  private mutating func append(jsonString text: String) {
    append("\"")
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": append("\\\"")
      case "\\": append("\\\\")
      case "<": append("\\u003c")
      case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{202A}"..."\u{202E}",
        "\u{2066}"..."\u{2069}", "\u{2028}", "\u{2029}":
        append("\u{FFFD}")
      default: append(scalar)
      }
    }
    append("\"")
  }

  /// Appends a finite number rounded to five digits, as JSON.
  private mutating func append(fiveDigits value: Double) {
    if value.magnitude < 1e15, value == value.rounded() {
      if value < 0 { append("-") }
      append(digitsOf: UInt(value.magnitude))
      return
    }
    // Numbers of everyday size without a detour over their shortest text.
    guard value.magnitude >= 0.001, value.magnitude < 100_000 else {
      append(value.text(significantDigits: 5))
      return
    }
    var (decimals, scale) = (0, 1.0)
    while value.magnitude * scale < 9_999.95 && decimals < 8 {
      decimals += 1
      scale *= 10
    }
    var scaled = UInt((value.magnitude * scale).rounded())
    while decimals > 0, scaled.isMultiple(of: 10) {
      scaled /= 10
      decimals -= 1
    }
    if value < 0 { append("-") }
    var power: UInt = 1
    for _ in 0..<decimals { power *= 10 }
    append(digitsOf: scaled / power)
    guard decimals > 0 else { return }
    append(".")
    var (rest, unit) = (scaled % power, power / 10)
    while unit > 0 {
      append(digitsOf: rest / unit)
      rest %= unit
      unit /= 10
    }
  }
}
