internal import COpenBLAS

/// The BLAS library that this process uses.
package enum BLAS {
  /// Sets how many threads a product may use. Call it once, at the start of a program: a trial is one
  /// process of many, and its matrices are small, so one thread is what a program should begin with.
  package static func setThreads(_ count: Int = 1) {
    precondition(count >= 1, "\(count) threads")
    openblas_set_num_threads(Int32(clamping: count))
  }

  /// Runs with one thread, whatever is set, so that results do not depend on the setting: the order of
  /// sums does. The setting is the process's own; others that call BLAS meanwhile have one thread, too.
  package static func withOneThread<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let usual = threads
    guard usual > 1 else { return try body() }
    openblas_set_num_threads(1)
    defer { openblas_set_num_threads(Int32(clamping: usual)) }
    return try body()
  }

  /// How many threads a product may use.
  package static var threads: Int { Int(openblas_get_num_threads()) }

  /// The library's version and how it was built, such as `OpenBLAS 0.3.21 DYNAMIC_ARCH …`.
  package static var configuration: String { unsafe String(cString: openblas_get_config()) }

  /// The processor whose kernels are in use, such as `SkylakeX`.
  package static var coreName: String { unsafe String(cString: openblas_get_corename()) }
}
