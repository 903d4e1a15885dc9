import Foundation
import JSON
import StudyModel
import Testing

@testable import Plotting

@Suite struct PlotFileTests {
  private let folder = TemporaryFolder()
  private let figure = Figure.history([Samples.completed([3, 1, 2])])

  @Test("the ending decides the format")
  func formats() throws {
    for (name, start) in [
      ("a.svg", "<svg"), ("b.PNG", "\u{89}PNG"), ("c.pdf", "%PDF"), ("d.html", "<!DOCTYPE html>"),
      ("e.htm", "<!DOCTYPE html>"),
    ] {
      let path = folder.path(name)
      try PlotFile.write(figure, to: path)
      let data = try Data(contentsOf: URL(filePath: path))
      #expect(String(decoding: data, as: Unicode.UTF8.self).hasPrefix(start) || data[0] == 0x89)
    }
    try PlotFile.write(figure, to: folder.path("plain"), format: .svg)
    #expect(throws: PlotError.unknownFormat(path: "plot.gif")) {
      try PlotFile.write(figure, to: "plot.gif")
    }
    #expect(try folder.names == ["a.svg", "b.PNG", "c.pdf", "d.html", "e.htm", "plain"])
  }

  @Test("a file is replaced as a whole, keeps its permissions, and a link stays a link")
  func replaces() throws {
    let (path, link) = (folder.path("plot.svg"), folder.path("link.svg"))
    try Data("old".utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    try PlotFile.write(figure, to: link)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == figure.svg())
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(try folder.names == ["link.svg", "plot.svg"])
  }

  @Test("what cannot be written is refused in one sentence and leaves nothing behind")
  func refuses() throws {
    let cases = [
      (folder.url.path, "it is a directory"),
      (folder.path("missing/plot.svg"), "no such file or directory"),
      ("/proc/plot.svg", "no such file or directory"), ("/dev/full", "no space left on device"),
    ]
    for (path, reason) in cases {
      #expect(throws: PlotError.cannotWrite(path: path, reason: reason)) {
        try PlotFile.write(figure, to: path, format: .svg)
      }
    }
    #expect(throws: PlotError.badSize(width: 1, height: 500)) {
      try PlotFile.write(figure, to: folder.path("plot.svg"), width: 1)
    }
    #expect(try folder.names == [])
  }

  @Test func errorsAreSentences() {
    let errors: [(PlotError, String)] = [
      (
        .unknownFormat(path: "a.gif"),
        "cannot tell the format of 'a.gif'; let its name end in .svg, .png, .pdf or .html"
      ),
      (
        .badSize(width: 1, height: 2),
        "a picture cannot be 1 by 2 pixels; give a width from 320 to 10000 and a height from 300 to 10000"
      ),
      (
        .missingFonts,
        "PNG and PDF need a font, and none is installed; install one (Debian: apt install "
          + "fonts-dejavu-core), or write SVG or HTML"
      ),
      (
        .missingLibrary(name: "librsvg-2.so.2"),
        "PNG and PDF need librsvg-2.so.2, which is not installed; install it (Debian: apt install "
          + "librsvg2-2 fonts-dejavu-core, macOS: brew install librsvg), or write SVG or HTML"
      ),
      (
        .cannotWrite(path: "/x", reason: "it is a directory"),
        "cannot write '/x': it is a directory; choose another path"
      ),
    ]
    for (error, sentence) in errors { #expect(error.description == sentence) }
  }

  @Test("a page holds its data as JSON, names only as text, and reaches for nothing")
  func page() throws {
    for name in Samples.hostileNames {
      let study = try Samples.study(12, name: name, steps: 3)
      for page in [Figure.history([study, study]).html(), Figure.intermediate(study).html()] {
        #expect(page.components(separatedBy: "<script").count == 3, "\(name)")
        #expect(!page.contains("<svg on") && !page.contains("<b>"), "\(name)")
        // The namespace of SVG, in the pictures for wide screens and phones and in the script.
        #expect(page.components(separatedBy: "http://").count == 4, "\(name)")
        let start = try #require(page.range(of: "class=\"data\">")).upperBound
        let end = try #require(page.range(of: "</script>", range: start..<page.endIndex)).lowerBound
        let data = try JSONValue(parsing: page[start..<end])
        let columns = try #require(data["columns"]?.array)
        for levels in columns.compactMap({ $0["levels"]?.array }) {
          #expect(Set(levels.compactMap(\.string)).count == levels.count, "\(name)")
        }
        let marks = page.components(separatedBy: "data-row=").count - 1
        #expect(marks > 0 && columns.allSatisfy { $0["cells"]?.array?.isEmpty == false })
      }
    }
  }

  @Test("a page of 10,000 trials stays small and says which columns it leaves out")
  func pageSize() throws {
    let page = Figure.history([try Samples.study(10_000)]).html()
    #expect(page.utf8.count < 1_250_000)
    let wide = Figure.history([try Samples.study(30)]).html()
    #expect(wide.contains("\"more\":0}"))
    #expect(page.contains("\"more\":1}") || page.contains("\"more\":0}"))
  }

  @Test("numbers in a page have five digits")
  func pageNumbers() {
    let values = [1.0 / 3, -12.3456789, 4e-9, 99_999.99, 1e300, 7, -0.5, 12345.678]
    let page = Figure.history([Samples.completed(values)]).html()
    #expect(
      page.contains(
        "[0.33333,-12.346,4e-09,100000,1e+300,7,-0.5,12346]"))
  }
}
