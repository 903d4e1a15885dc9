package import Stores
internal import System

/// A ``StorageService`` that several threads ask, and that stores in time what waits.
///
/// open → ended. A thread of its own stores what was acknowledged and waits.
package final class StorageDesk: @unchecked Sendable {
  // `service` and `isEnding` are only touched under `monitor`; `thread` is set once, in `init`.
  private let monitor = Monitor()
  private var service: StorageService
  private var isEnding = false
  private var thread: BlockingThread?
  private let store: any StudyStore

  /// - Parameters:
  ///   - store: A store object of its own: what another one of this process writes is not told to
  ///     it otherwise.
  ///   - access: What may be seen and done.
  /// - Throws: ``StoreError``, for a name that no study has too, and ``SystemShortage``.
  package init(_ store: any StudyStore, _ access: StorageAccess) throws {
    self.store = store
    service = try StorageService(store, access)
    guard let thread = BlockingThread({ [self] in keepTime() }) else {
      throw SystemShortage()
    }
    self.thread = thread
  }

  /// The system has no thread or pipe left.
  package struct SystemShortage: Error, CustomStringConvertible {
    package let description =
      "the system has no thread or pipe left for Optuna's service; end other programs"
  }

  /// Answers calls, as ``StorageService/answer(_:_:)``.
  func answer(
    _ calls: [StorageCall], _ reply: (StorageCall, StorageReply) -> Void
  ) -> [StorageCall] {
    monitor.lock()
    defer { monitor.unlock() }
    guard !isEnding else {
      let refusal = StorageReply(CallStatus(.unavailable, "the storage is closed; open it again"))
      for call in calls { reply(call, refusal) }
      return []
    }
    let wasDue = service.due
    let ends = service.answer(calls, reply)
    if wasDue == nil, service.due != nil { monitor.signalAll() }
    return ends
  }

  /// Answers one call of this process.
  ///
  /// - Parameters:
  ///   - method: Its name in Optuna's service, or one of ours behind those.
  ///   - message: The request's message, as that service has it.
  /// - Returns: The reply's message.
  /// - Throws: Why the call failed.
  package func answer(_ method: String, _ message: [UInt8]) throws(CallStatus) -> [UInt8] {
    guard let method = StorageCall.Method(rawValue: method) else {
      throw CallStatus(.unimplemented, "Optuna's storages have no call '\(method.prefix(80))'")
    }
    let call = StorageCall(connection: 0, stream: 0, method: method, message: message)
    var answer = StorageReply.updated
    if !self.answer([call], { answer = $1 }).isEmpty {
      do throws(StoreError) { try synchronize() } catch { throw CallStatus(error) }
    }
    guard answer.status.code == .ok else { throw answer.status }
    return answer.pieces.count == 1 ? answer.pieces[0] : Array(answer.pieces.joined())
  }

  /// Returns when the disk has what was committed.
  func synchronize() throws(StoreError) { try store.synchronize() }

  /// Stores all that waits, and takes no further call.
  ///
  /// - Throws: What keeps some of it from being stored.
  package func end() throws(StoreError) {
    monitor.lock()
    let thread = thread
    self.thread = nil
    isEnding = true
    monitor.signalAll()
    monitor.unlock()
    guard let thread else { return }
    thread.join()
    monitor.lock()
    defer { monitor.unlock() }
    try service.flush()
  }

  /// Stores what waits when its time has come.
  private func keepTime() {
    monitor.lock()
    while !isEnding {
      guard let due = service.due else {
        monitor.wait()
        continue
      }
      let rest = due - Monitor.now
      if rest > 0 {
        monitor.wait(seconds: rest)
        continue
      }
      do throws(StoreError) {
        try service.flush()
      } catch {
        // What could not be stored waits on. The trial's end meets the fault, if it lasts, and is
        // not acknowledged.
      }
    }
    monitor.unlock()
  }
}
