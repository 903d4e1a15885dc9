/// Shell scripts that run a worker on another machine and hand it its token.
enum RemoteScript {
  /// A script for `sh -c` in one line. Its standard input is the token in the first line, then the
  /// names of signals that the worker is to get, a line each; when the input ends, the process that
  /// started it is gone, and the worker gives back what it runs and ends. The exit code is the
  /// worker's.
  ///
  /// - Parameter name: The worker's name, as a word of the shell; nil for that of `worker`.
  static func controlled(
    _ worker: WorkerCommand, authority: String?, preferredFolder: String?, name: String? = nil
  ) -> String {
    var steps = ["exec 3<&0", "IFS= read -r token <&3"]
    var worker = worker
    if let preferredFolder {
      steps.append("cd -- \(ShellText.quoted(preferredFolder)) 2>/dev/null")
    }
    if let authority {
      steps.append(authoritySteps(authority))
      worker.certificateAuthority = nil
    }
    let line =
      ShellText.line(worker.words) + (name.map { " --name \($0)" } ?? "")
      + (authority == nil ? "" : #" --ca "$authority""#)
    steps += [
      // `printf` is part of the shell: no process has the token among its arguments.
      #"printf "%s\n" "$token" | \#(line) 3<&- & worker=$!"#,
      "{ while IFS= read -r signal; do kill -s \"$signal\" \"$worker\"; done; "
        + "kill -s TERM \"$worker\"; sleep 1; kill -s HUP \"$worker\"; } <&3 >/dev/null 2>&1 & "
        + "control=$!",
      "wait \"$worker\"", "code=$?", "kill \"$control\" 2>/dev/null",
    ]
    if authority != nil { steps.append(#"rm -f "$authority""#) }
    return (steps + ["exit \"$code\""]).joined(separator: "; ")
  }

  /// Steps that put certificates into a file, whose path they leave in `$authority`.
  static func authoritySteps(_ certificates: String) -> String {
    #"authority=$(mktemp); printf "%s\n" \#(ShellText.quoted(certificates)) > "$authority""#
  }
}
