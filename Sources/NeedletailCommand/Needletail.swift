private import CommandLineTool

#if canImport(Glibc)
  private import Glibc
#else
  private import Darwin
#endif

@main
struct Needletail {
  static func main() {
    exit(CommandLineTool.main(Array(CommandLine.arguments.dropFirst())))
  }
}
