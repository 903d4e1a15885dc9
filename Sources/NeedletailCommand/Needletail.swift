private import CommandLineTool
private import System

@main
struct Needletail {
  static func main() {
    exit(CommandLineTool.main(Array(CommandLine.arguments.dropFirst())))
  }
}
