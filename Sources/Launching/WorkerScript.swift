/// The script of a worker that a scheduler keeps and starts later.
///
/// The token is in it: it is for a pipe to the scheduler or for a file that its user alone can
/// read.
enum WorkerScript {
  /// - Parameters:
  ///   - header: Lines below the first, such as a scheduler's options.
  ///   - name: The worker's name, as a word of the shell.
  ///   - authority: Certificates, as text, that the coordinator's must descend from.
  static func text(
    _ worker: WorkerCommand, token: String, header: [String], name: String, authority: String?
  ) -> String {
    var (worker, lines) = (worker, ["#!/bin/sh"] + header)
    if let authority {
      lines.append(RemoteScript.authoritySteps(authority))
      worker.certificateAuthority = nil
    }
    let suffix = " --name \(name)" + (authority == nil ? "" : #" --ca "$authority""#)
    lines += [
      "\(ShellText.line(worker.words))\(suffix) <<'END OF TOKEN' &",
      token,
      "END OF TOKEN",
      "worker=$!",
      #"trap 'kill -s TERM "$worker"' TERM"#,
      // LSF begins with SIGINT, and Grid Engine's -notify is SIGUSR2; the end is near then.
      #"trap 'kill -s HUP "$worker"' HUP INT USR2"#,
      // A signal ends `wait` before the worker has ended.
      "while :; do",
      #"  wait "$worker""#,
      "  code=$?",
      #"  kill -0 "$worker" 2>/dev/null || break"#,
      "done",
    ]
    if authority != nil { lines.append(#"rm -f "$authority""#) }
    return (lines + [#"exit "$code""#, ""]).joined(separator: "\n")
  }
}
