internal import FuzzTargets
internal import System

#if FUZZING
  /// libFuzzer's driver: reads its own arguments, and calls the callback for ever or for as long as
  /// they say.
  @_silgen_name("LLVMFuzzerRunDriver")
  private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
  ) -> CInt

  /// The parser under test.
  private let target =
    getenv("FUZZ_TARGET").flatMap { FuzzTarget(rawValue: String(cString: $0)) } ?? .json
#endif

/// Invents input for the parsers of input from outside, with libFuzzer; `make fuzz` builds and runs
/// it. Built without it, there is nothing to do.
@main enum Fuzzer {
  static func main() {
    #if FUZZING
      var count = CommandLine.argc
      var arguments = CommandLine.unsafeArgv
      let code = runDriver(&count, &arguments) { bytes, count in
        let input = Array(UnsafeBufferPointer(start: bytes, count: count))
        if let fault = target.fault(with: input) { fatalError(fault) }
        return 0
      }
      exit(code)
    #else
      print("built without libFuzzer; use: make fuzz")
    #endif
  }
}
