internal import Objectives
internal import System

/// What this program puts in the way of the commands it starts.
enum OwnFiles {
  /// The folder of the Python client. Only objectives in Python miss it, so a failure is a warning.
  static func pythonClient(_ console: Console) -> String? {
    do throws(PythonClientError) {
      return try PythonClient.install()
    } catch {
      console.warn("\(error)")
      return nil
    }
  }

  /// The folder of this program, for scripts that call it; nil where the system does not tell.
  static var toolFolder: String? {
    guard let text = Host.executable else { return nil }
    return text.lastIndex(of: "/").map { String(text[..<$0]) }
  }

  /// A path from the root on; the folder must exist or be made by its user.
  static func absolute(_ path: String) throws(CommandError) -> String {
    if path.hasPrefix("/") { return path }
    guard let here = getcwd(nil, 0) else {
      throw .other("the current folder does not exist any more; change to another")
    }
    defer { free(here) }
    let folder = String(cString: here)
    return path == "." ? folder : "\(folder)/\(path)"
  }
}
