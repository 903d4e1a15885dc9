import Foundation
import JSON
import StudyModel
import Testing

@testable import Plotting

@Suite struct PictureTests {
  private let folder = TemporaryFolder()

  @Test("a PNG has the size asked for and is no empty sheet")
  func png() throws {
    let figure = Figure.history([try Samples.study(200)])
    let path = folder.path("history.png")
    try Data(figure.png(width: 640, height: 400, scale: 1.5)).write(to: URL(filePath: path))
    let picture = try decode(path)
    #expect(picture["width"] == 960 && picture["height"] == 600)
    #expect(picture["background"] == "ffffff" || picture["background"] == "ffffffff")
    #expect(try #require(picture["colours"]?.number) > 100)
    let share = try #require(picture["background_share"]?.number)
    #expect(share > 0.5 && share < 0.97)
  }

  @Test("a PDF has one page of the size asked for, with the text as text")
  func pdf() throws {
    let figure = Figure.intermediate(try Samples.study(60, name: "QzJ", steps: 8))
    let path = folder.path("reports.pdf")
    try Data(figure.pdf(width: 800, height: 480)).write(to: URL(filePath: path))
    let picture = try decode(path)
    #expect(picture["pages"] == 1)
    #expect(picture["width"]?.number == 600 && picture["height"]?.number == 360)
    let characters = try #require(picture["characters"]?.string)
    for character in "Intermediate values of QzJ" { #expect(characters.contains(character)) }
    #expect(picture["has_date"] == false)
  }

  @Test("every odd figure can be drawn")
  func oddFigures() throws {
    for (name, figure) in try Samples.figures() {
      let bytes = try figure.png(width: 400, height: 300, scale: 1)
      #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]), "\(name)")
      #expect(try figure.pdf().starts(with: Array("%PDF-".utf8)), "\(name)")
    }
  }

  @Test func sameInputSamePicture() throws {
    let figure = Figure.history([try Samples.study(50)])
    #expect(try figure.png() == figure.png())
    #expect(try figure.pdf() == figure.pdf())
  }

  @Test("sizes that make no sense are refused")
  func badSizes() throws {
    let figure = Figure.history([])
    #expect(throws: PlotError.badSize(width: 10, height: 500)) { try figure.png(width: 10) }
    #expect(throws: PlotError.badSize(width: 860, height: 99_999)) {
      try figure.pdf(height: 99_999)
    }
    for scale in [0, -1, .nan, .infinity, 11] {
      #expect(throws: PlotError.self) { try figure.png(scale: scale) }
    }
    #expect(throws: PlotError.badScale(10)) { try figure.png(width: 10_000, scale: 10) }
    #expect(throws: PlotError.badScale(1.1)) {
      try figure.png(width: 10_000, height: 10_000, scale: 1.1)
    }
  }

  /// What Python's standard library finds in the file; see Fixtures/read_picture.py.
  private func decode(_ path: String) throws -> JSONValue {
    let here = URL(filePath: #filePath).deletingLastPathComponent()
    let root = here.deletingLastPathComponent().deletingLastPathComponent()
    let python =
      ProcessInfo.processInfo.environment["NEEDLETAIL_TEST_PYTHON"]
      ?? root.appending(path: ".build/venv/bin/python").path
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(filePath: python)
    process.arguments = [here.appending(path: "Fixtures/read_picture.py").path, path]
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return try JSONValue(parsing: String(decoding: text, as: UTF8.self))
  }
}

/// A folder that is deleted with its content when the test ends.
final class TemporaryFolder {
  let url = URL(filePath: NSTemporaryDirectory()).appending(path: "plots-\(UUID().uuidString)")

  init() {
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  deinit {
    do { try FileManager.default.removeItem(at: url) } catch { print("\(error)") }
  }

  func path(_ name: String) -> String { url.appending(path: name).path }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}
