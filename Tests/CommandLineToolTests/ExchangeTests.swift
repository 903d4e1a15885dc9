import Foundation
import Testing

/// Export to MLflow and import of finished trials, against a real MLflow server, MLflow's own
/// client and Optuna's own tables; see the scripts.
@Suite struct ExchangeTests {
  private func run(_ script: String) throws {
    let command = try BuiltCommand()
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("MLflow/\(script)").path
    let process = try RunningCommand(
      BuiltCommand.python, [path, BuiltCommand.path, command.folder.path], in: command)
    let result = try process.finished(within: .seconds(1_100))
    #expect(result.code == 0, "\(result.messages)")
    #expect(result.lines.count > 40)
    try command.cleanUp()
  }

  @Test(.timeLimit(.minutes(20))) func exportsToMLflow() throws { try run("check_export.py") }

  @Test(.timeLimit(.minutes(20))) func importsFinishedTrials() throws {
    try run("check_import.py")
  }
}
