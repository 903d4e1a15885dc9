extension StudyReport {
  /// The report as a web page of one file, which loads nothing and sends nothing.
  package var html: String {
    var page = HTMLPage.beginning(title)
    page.append("<main>\n<h1>")
    page.append(escaping: title)
    page.append("</h1>\n")
    for block in blocks { Self.append(block, to: &page) }
    page.append("</main>\n" + HTMLPage.ending)
    page.append(utf8: HTMLPage.script)
    page.append("</script>\n</body>\n</html>\n")
    return page.string
  }

  private static func append(_ block: Block, to page: inout SVGText) {
    func element(_ name: String, _ text: String) {
      page.append("<\(name)>")
      page.append(escaping: text)
      page.append("</\(name)>")
    }
    switch block {
    case .heading(let text): element("h2", text)
    case .paragraph(let text): element("p", text)
    case .code(let text):
      // A line at a time: the breaks between them stay.
      page.append("<pre>")
      for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        page.append(escaping: String(line))
        page.append("\n")
      }
      page.append("</pre>")
    case .figure(let figure): HTMLPage.append(figure, to: &page, width: nil, height: nil)
    case .table(let names, let rows):
      page.append("<div class=\"scroll\"><table><thead><tr>")
      for name in names { element("th", name) }
      page.append("</tr></thead><tbody>")
      for row in rows {
        page.append("<tr>")
        for cell in row { element("td", cell) }
        page.append("</tr>\n")
      }
      page.append("</tbody></table></div>")
    }
    page.append("\n")
  }

  /// The report as Markdown.
  ///
  /// - Parameter withPictures: Whether figures are embedded; else each is named with its summary.
  package func markdown(withPictures: Bool) -> String {
    var parts = ["# " + Self.escaped(title)]
    for block in blocks {
      switch block {
      case .heading(let text): parts.append("## " + Self.escaped(text))
      case .paragraph(let text): parts.append(Self.escaped(text))
      case .code(let text):
        // A fence that is longer than any in the text.
        let longest =
          text.split(omittingEmptySubsequences: false, whereSeparator: { $0 != "`" })
          .map(\.count).max() ?? 0
        let fence = String(repeating: "`", count: max(3, longest + 1))
        parts.append("\(fence)yaml\n\(text)\(text.hasSuffix("\n") ? "" : "\n")\(fence)")
      case .table(let names, let rows):
        let lines = [names, names.map { _ in "---" }] + rows
        parts.append(
          lines.enumerated().map { place, cells in
            "| " + cells.map { place == 1 ? $0 : Self.escaped($0) }.joined(separator: " | ") + " |"
          }.joined(separator: "\n"))
      case .figure(let figure):
        let title = Self.escaped(figure.title)
        if withPictures {
          parts.append("![\(title)](data:image/svg+xml,\(Self.percentEncoded(figure.svg())))")
        } else {
          parts.append("- \(title): \(Self.escaped(figure.subtitle))")
        }
      }
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  /// The text on one line, with what Markdown and HTML would read as their own escaped.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\", "`", "*", "_", "[", "]", "<", ">", "|", "#", "~", "!", "$", "&":
        result += "\\"
        result.unicodeScalars.append(scalar)
      case "\n", "\r", "\t": result += " "
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: result += "\u{FFFD}"
        default: result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  /// The text as a part of an address: all but letters, digits, `-`, `.`, `_` and `~` as percents.
  private static func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
