import Foundation
import FoundationXML
import StudyModel
import Testing

@testable import Plotting

@Suite struct SVGTests {
  /// Counts elements and collects text; any violation of XML's rules is an error.
  final class Reader: NSObject, XMLParserDelegate {
    var elements: [String: Int] = [:]
    var text = ""

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) {
      elements[name, default: 0] += 1
      for name in attributes.keys where name.hasPrefix("on") || name.contains("href") {
        Issue.record("an attribute \(name)")
      }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
  }

  static func read(_ svg: String) throws -> Reader {
    let (parser, reader) = (XMLParser(data: Data(svg.utf8)), Reader())
    parser.delegate = reader
    try #require(parser.parse(), "\(String(describing: parser.parserError))")
    return reader
  }

  @Test("every figure is well-formed and holds nothing but shapes and text")
  func wellFormed() throws {
    for (name, figure) in try Samples.figures() + Samples.allKinds.get() {
      let reader = try Self.read(figure.svg())
      let known: Set = ["svg", "title", "style", "rect", "path", "text"]
      #expect(Set(reader.elements.keys).isSubset(of: known), "\(name)")
      if let reason = figure.emptyReason { #expect(reader.text.contains(reason), "\(name)") }
      for note in figure.notes { #expect(reader.text.contains(note.prefix(20)), "\(name)") }
    }
  }

  @Test("names from outside stay text, without control characters")
  func hostileNames() throws {
    let reader = try Self.read(
      Figure.history([try Samples.study(3, name: "<b>&\"'\u{1}\u{202E}")]).svg())
    #expect(reader.text.contains("Optimization history of <b>&\"'\u{FFFD}\u{FFFD}"))
    #expect(reader.elements["b"] == nil)
  }

  @Test("no text meets another or leaves the picture", arguments: [320, 480, 860, 1_600])
  func textIsApart(width: Int) throws {
    for height in [300, 500, 900] {
      for (name, figure) in try Samples.figures() {
        let boxes = figure.scene(width: width, height: height).allShapes.compactMap(Box.init)
        for (index, box) in boxes.enumerated() {
          #expect(
            box.left >= 0 && box.right <= Double(width) + 0.5 && box.top >= 0
              && box.bottom <= Double(height), "\(name) at \(width)×\(height): \(box)")
          for other in boxes[(index + 1)...] {
            #expect(!box.meets(other), "\(name) at \(width)×\(height): \(box) and \(other)")
          }
        }
      }
    }
  }

  @Test("no text of any kind of figure meets another", arguments: [320, 620, 1_200])
  func textOfAllKindsIsApart(width: Int) throws {
    for height in [300, 800] {
      for (name, figure) in try Samples.allKinds.get() {
        let boxes = figure.scene(width: width, height: height).allShapes.compactMap(Box.init)
        for (index, box) in boxes.enumerated() {
          #expect(
            box.left >= 0 && box.right <= Double(width) + 0.5 && box.top >= 0
              && box.bottom <= Double(height), "\(name) at \(width)×\(height): \(box)")
          for other in boxes[(index + 1)...] where box.meets(other) {
            Issue.record("\(name) at \(width)×\(height): \(box) and \(other)")
          }
        }
      }
    }
  }

  /// Where a text stands, by the estimated widths.
  struct Box {
    let string: String
    let (left, right, top, bottom): (Double, Double, Double, Double)

    init?(_ shape: Scene.Shape) {
      guard case .text(let text, _) = shape else { return nil }
      let width = text.string.width(size: text.size, isBold: text.isBold)
      let share = text.anchor == .start ? 0 : text.anchor == .middle ? 0.5 : 1
      string = text.string
      left = text.at.x - share * width
      right = left + width
      top = text.at.y - text.size * 0.75
      bottom = text.at.y + text.size * 0.2
    }

    func meets(_ other: Box) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }
  }

  @Test func sameInputSameBytes() throws {
    let study = try Samples.study(200, steps: 5)
    #expect(Figure.history([study]).svg() == Figure.history([study]).svg())
    #expect(Figure.intermediate(study).html() == Figure.intermediate(study).html())
  }

  @Test("each number stands with one decimal at most")
  func numbers() {
    for (value, expected) in [
      (0.0, "0"), (-0.04, "0"), (1.25, "1.3"), (-3.96, "-4"), (12.34, "12.3"), (-0.25, "-0.3"),
      (10_000, "10000"),
    ] {
      var text = SVGText()
      text.append(value)
      #expect(text.string == expected)
    }
    for (value, expected) in [(0.9, "0.9"), (0.55, "0.55"), (1, "1"), (0.045, "0.05")] {
      var text = SVGText()
      text.append(hundredths: value)
      #expect(text.string == expected)
    }
  }

  @Test("long text is cut so that it fits, short text is not")
  func truncation() {
    #expect("short".truncated(to: 200, size: 12) == "short")
    let long = String(repeating: "wide ", count: 1_000)
    let cut = long.truncated(to: 200, size: 12)
    #expect(cut.hasSuffix("…") && cut.width(size: 12) <= 200 && cut.width(size: 12) > 180)
    let lines = "one two three four five six".wrapped(to: 60, size: 12, limit: 3)
    #expect(
      lines.count == 3 && lines[0] == "one two" && lines.allSatisfy { $0.width(size: 12) <= 60 })
  }
}
