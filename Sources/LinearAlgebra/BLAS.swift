internal import COpenBLAS
internal import System

/// The BLAS library that this process uses.
package enum BLAS {
  /// Sets how many threads a product may use. Call it once, at the start of a program: a trial is
  /// one process of many, and its matrices are small, so one thread is what a program should begin
  /// with.
  package static func setThreads(_ count: Int = 1) {
    precondition(count >= 1, "\(count) threads")
    exclusive.withLock { state in
      state.usual = count
      if state.users == 0 { openblas_set_num_threads(Int32(clamping: count)) }
    }
  }

  /// Runs with one thread, whatever is set, so that results do not depend on the setting: the order
  /// of sums does. The setting is the process's own: it comes back when the last of those that run
  /// this at once has ended, and others that call BLAS meanwhile have one thread, too.
  package static func withOneThread<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    exclusive.withLock { state in
      if state.users == 0 {
        state.usual = threads
        if state.usual != 1 { openblas_set_num_threads(1) }
      }
      state.users += 1
    }
    defer {
      exclusive.withLock { state in
        state.users -= 1
        if state.users == 0, state.usual != 1 {
          openblas_set_num_threads(Int32(clamping: state.usual))
        }
      }
    }
    return try body()
  }

  /// How many run with one thread now, and what was set before.
  private static let exclusive = Lock((users: 0, usual: 1))

  /// How many threads a product may use.
  package static var threads: Int { Int(openblas_get_num_threads()) }

  /// The library's version and how it was built, such as `OpenBLAS 0.3.21 DYNAMIC_ARCH …`.
  package static var configuration: String { unsafe String(cString: openblas_get_config()) }

  /// The processor whose kernels are in use, such as `SkylakeX`.
  package static var coreName: String { unsafe String(cString: openblas_get_corename()) }
}
