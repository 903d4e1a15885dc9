import CSQLite
import Foundation
import System
import Testing

/// Makes system calls fail that SQLite makes on one thread.
///
/// SQLite's Unix layer lets its system calls be replaced. The replacements count the calls of the
/// thread that armed them and let one fail; all other threads' calls go through.
final class Faults: Sendable {
  static let shared = Faults()

  private struct Plan {
    var thread: pthread_t?
    var countdown = 0
    var number: Int32 = 0
    var hasFired = false
  }

  private let plan = Lock(Plan())

  private init() {
    // The first file system that SQLite knows is the one that it uses.
    guard let vfs = sqlite3_vfs_find(nil), let replace = vfs.pointee.xSetSystemCall else {
      preconditionFailure("SQLite has no file system whose calls can be replaced")
    }
    typealias Call = sqlite3_syscall_ptr
    let write: @convention(c) (Int32, UnsafeRawPointer?, Int, off_t) -> Int = {
      Faults.shared.fails() ? -1 : pwrite($0, $1, $2, $3)
    }
    let truncate: @convention(c) (Int32, off_t) -> Int32 = {
      Faults.shared.fails() ? -1 : ftruncate($0, $1)
    }
    let read: @convention(c) (Int32, UnsafeMutableRawPointer?, Int, off_t) -> Int = {
      Faults.shared.fails() ? -1 : pread($0, $1, $2, $3)
    }
    let open: @convention(c) (UnsafePointer<CChar>?, Int32, Int32) -> Int32 = { path, flags, mode in
      guard let path, !Faults.shared.fails() else { return -1 }
      return Foundation.open(path, flags, mode_t(mode))
    }
    let map:
      @convention(c) (UnsafeMutableRawPointer?, Int, Int32, Int32, Int32, off_t) ->
        UnsafeMutableRawPointer? = {
          Faults.shared.fails() ? MAP_FAILED : mmap($0, $1, $2, $3, $4, $5)
        }
    let calls: [(String, Call?)] = [
      ("pwrite", unsafeBitCast(write, to: Call.self)),
      ("pwrite64", unsafeBitCast(write, to: Call.self)),
      ("ftruncate", unsafeBitCast(truncate, to: Call.self)),
      ("pread", unsafeBitCast(read, to: Call.self)),
      ("pread64", unsafeBitCast(read, to: Call.self)),
      ("open", unsafeBitCast(open, to: Call.self)),
      ("mmap", unsafeBitCast(map, to: Call.self)),
    ]
    for (name, call) in calls {
      // A name that this build of SQLite does not have is left out.
      _ = replace(vfs, name, call)
    }
  }

  /// Runs `body` with the n-th call of this thread failing with that `errno`.
  ///
  /// - Returns: Whether the call was reached.
  func failing(_ count: Int, with number: Int32, _ body: () -> Void) -> Bool {
    plan.withLock {
      $0 = Plan(thread: pthread_self(), countdown: count, number: number, hasFired: false)
    }
    body()
    return plan.withLock { plan in
      plan.thread = nil
      return plan.hasFired
    }
  }

  private func fails() -> Bool {
    let number: Int32? = plan.withLock { plan in
      guard let thread = plan.thread, pthread_equal(thread, pthread_self()) != 0 else {
        return nil
      }
      plan.countdown -= 1
      guard plan.countdown == 0 else { return nil }
      plan.hasFired = true
      return plan.number
    }
    guard let number else { return false }
    errno = number
    return true
  }
}
