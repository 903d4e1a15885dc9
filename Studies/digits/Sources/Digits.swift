internal import LinearAlgebra
internal import System

/// Trains a classifier of handwritten digits; prints its size, and after each epoch its validation
/// accuracy.
///
/// An objective like any other program: parameters come as arguments, the seed from the
/// environment, the metric goes to standard output.
@main
struct Digits {
  static func main() {
    do throws(DigitsError) {
      BLAS.setThreads(1)
      let options = try Options(Array(CommandLine.arguments.dropFirst()))
      var training = try Training(options, on: Dataset(path: options.data), seed: seed())
      print("weights=\(training.weightCount)")
      for epoch in 1...options.epochs {
        let accuracy = (training.runEpoch() * 1e4).rounded() / 1e4
        print("epoch=\(epoch) accuracy=\(accuracy)")
        fflush(nil)  // a pruner wants to see the line now
      }
    } catch {
      let line = "digits: \(error)\n"
      _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
      exit(error.exitCode)
    }
  }

  /// The number in NEEDLETAIL_SEED; 0 without one.
  private static func seed() throws(DigitsError) -> UInt64 {
    guard let variable = unsafe getenv("NEEDLETAIL_SEED") else { return 0 }
    let text = unsafe String(cString: variable)
    guard let seed = UInt64(text) else {
      throw .usage("NEEDLETAIL_SEED is '\(text)'; it must be an integer from 0")
    }
    return seed
  }
}
