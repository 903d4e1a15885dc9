/// `needletail completion bash|zsh`
package struct CompletionVerb: Verb {
  package static let description = VerbDescription(
    words: ["completion"],
    abstract: "Print a script that completes verbs, options and study names in a shell.",
    arguments: [
      .init(name: "shell", help: "bash or zsh.", completion: .words(["bash", "zsh"]))
    ],
    examples: [
      .init("source <(needletail completion bash)", "Completion in this bash."),
      .init(
        "needletail completion zsh > ~/.zfunc/_needletail",
        "Completion in every zsh that has ~/.zfunc in its fpath."),
    ])

  private let shell: String

  package init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    shell = try arguments.positional("shell")
    guard shell == "bash" || shell == "zsh" else {
      throw .badValue(option: "the shell", value: shell, expected: "bash or zsh")
    }
  }

  package func run(_ context: Context) throws -> ExitCode {
    context.console.writeText(shell == "bash" ? BashCompletion.script : ZshCompletion.script)
    return .success
  }
}
