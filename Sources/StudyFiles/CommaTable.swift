/// A table of comma-separated values (RFC 4180) whose first line names the columns.
enum CommaTable {
  /// The rows below the first line as mappings; fields without anything in them are left out.
  static func rows(_ text: String, at node: YAMLNode) throws(LocatedFault) -> [YAMLNode] {
    guard let lines = fields(of: text) else {
      throw node.fault("the table of 'points' has a quote that is not closed; close it")
    }
    guard lines.count > 1, let names = lines.first else {
      throw node.fault("the table of 'points' has no rows; add some below the line with the names")
    }
    var rows: [YAMLNode] = []
    for (number, line) in lines.enumerated().dropFirst() {
      guard line.count == names.count else {
        throw node.fault(
          "line \(number + 1) of the table of 'points' has \(line.count) fields and not "
            + "\(names.count); add or remove some")
      }
      var entries: [YAMLNode.Entry] = []
      for (name, field) in zip(names, line) where !field.text.isEmpty || !field.isPlain {
        entries.append(
          YAMLNode.Entry(
            key: name.text, keyLocation: node.location,
            value: YAMLNode(content: .scalar(field), location: node.location)))
      }
      rows.append(YAMLNode(content: .mapping(entries), location: node.location))
    }
    return rows
  }

  /// The fields of all lines that hold something; nil where a quote is not closed.
  private static func fields(of text: String) -> [[YAMLScalar]]? {
    var lines: [[YAMLScalar]] = []
    var line: [YAMLScalar] = []
    var field = ""
    var (isQuoted, isOpen) = (false, false)
    func end() {
      let plain = field.drop { $0 == " " || $0 == "\t" }
      let trimmed = String(plain.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
      line.append(
        YAMLScalar(text: isQuoted ? field : trimmed, isPlain: !isQuoted, tag: nil))
      (field, isQuoted) = ("", false)
    }
    var rest = text[...]
    while let next = rest.popFirst() {
      if isOpen {
        if next != "\"" {
          field.append(next)
        } else if rest.first == "\"" {
          field.append("\"")
          rest.removeFirst()
        } else {
          isOpen = false
        }
      } else if next == "\"", field.allSatisfy(\.isWhitespace) {
        (field, isQuoted, isOpen) = ("", true, true)
      } else if next == "," {
        end()
      } else if next.isNewline {
        end()
        if line.count > 1 || line.contains(where: { !$0.text.isEmpty }) { lines.append(line) }
        line = []
      } else if !isQuoted {
        field.append(next)
      }
    }
    end()
    if line.count > 1 || line.contains(where: { !$0.text.isEmpty }) { lines.append(line) }
    return isOpen ? nil : lines
  }
}
