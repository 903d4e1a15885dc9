internal import System

/// Why a program cannot be run.
struct ProgramError: Error, CustomStringConvertible {
  let program: String
  /// Why, and what to do.
  let reason: String
  /// What the machine is short of, when the program is not to blame; the next try may go better.
  let fault: MachineFault?

  var description: String { "the command '\(program)' cannot be started: \(reason)" }

  /// The path of a program that can be executed.
  ///
  /// - Parameters:
  ///   - name: A path, relative to `folder`, or the name of a program on the search path.
  ///   - path: Folders, separated by colons.
  static func find(
    _ name: String, from folder: String, searching path: String
  ) throws(ProgramError) -> String {
    guard !name.isEmpty else { throw ProgramError(program: name, reason: "its name is empty") }
    if name.contains("/") {
      let full = name.hasPrefix("/") ? name : "\(folder)/\(name)"
      if let problem = problem(with: full) { throw ProgramError(program: name, reason: problem) }
      return full
    }
    for part in path.split(separator: ":", omittingEmptySubsequences: false) {
      let start = part.hasPrefix("/") ? String(part) : "\(folder)/\(part)"
      let full = "\(start)/\(name)"
      if problem(with: full) == nil { return full }
    }
    let local = "\(folder)/\(name)"
    let fix =
      unsafe access(local, F_OK) == 0
      ? "for the file beside the study file write ./\(name)" : "install it, or give its path"
    throw ProgramError(program: name, reason: "it is not found on PATH; \(fix)")
  }

  private static func problem(with path: String) -> String? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      return errno == ENOENT || errno == ENOTDIR
        ? "there is no such file; check the path, which is relative to the study file's folder"
        : SystemError.last.text
    }
    if status.st_mode & S_IFMT == S_IFDIR { return "it is a folder; name a program" }
    guard unsafe access(path, X_OK) == 0 else {
      return "it is not executable; run chmod +x on it, or put its interpreter before it"
    }
    if let interpreter = interpreter(of: path), unsafe access(interpreter, X_OK) != 0 {
      return "its interpreter '\(interpreter)' is not there; install it, or mend the first line"
    }
    return nil
  }

  /// What the `#!` line of a script names, when that is a full path; nil without one.
  private static func interpreter(of path: String) -> String? {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0, let file = try? Descriptor(owning: number) else { return nil }
    return unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
      guard case .bytes(let count) = unsafe file.read(into: buffer) else { return nil }
      let start = unsafe Array(buffer[..<count])
      guard start.starts(with: Array("#!".utf8)), let end = start.firstIndex(of: 0x0A) else {
        return nil
      }
      let words = start[2..<end].split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      return words.first.map { String(decoding: $0, as: UTF8.self) }
        .flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
  }

  /// The reason for an error of starting a program that was found.
  init(program: String, _ error: SystemError) {
    self.program = program
    fault =
      [EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY, EIO].contains(error.code)
      ? MachineFault("the command '\(program)' cannot be started", error) : nil
    switch error.code {
    case ENOEXEC:
      reason = "it is neither a program nor a script with a #! line; add one, such as #!/bin/sh"
    case ENOENT:
      reason = "it, its interpreter after #!, or the working folder is missing"
    case E2BIG: reason = "its arguments and environment are too long"
    default: reason = error.text
    }
  }

  init(program: String, reason: String) {
    self.program = program
    self.reason = reason
    fault = nil
  }
}
