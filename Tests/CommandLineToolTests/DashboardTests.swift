import Foundation
import Testing

/// The pages in headless Chromium; the scenarios are the functions of `Tests/Browser/dashboard.py`.
///
/// Screenshots of what was seen stay in `.build/dashboard`.
@Suite(.serialized) struct DashboardTests {
  @Test(arguments: ["running", "hands", "optuna", "edges", "access", "plots", "analysis"])
  func showsInTheBrowser(scenario: String) throws {
    let command = try BuiltCommand()
    let root = BuiltCommand.packageRoot
    let result = try command.run(
      BuiltCommand.python,
      [
        root.appendingPathComponent("Tests/Browser/dashboard.py").path, scenario, BuiltCommand.path,
        root.appendingPathComponent(".build/dashboard").path,
      ], within: .seconds(600))
    #expect(result.code == 0, "\(result.output)\(result.messages)")
    try command.cleanUp()
  }
}
