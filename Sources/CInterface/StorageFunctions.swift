internal import Needletail
internal import OptunaService
internal import Stores
internal import StudyModel
internal import System

@c(needletail_storage_open)
public func openStorage(
  _ address: UnsafePointer<CChar>?, _ storage: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  answering {
    let place = unsafe try place(storage, "the storage's handle")
    var location = StoreLocation.memory
    if let text = unsafe try optionalText(address, "the storage's address") {
      location = .url(text)
    }
    guard try location.client() == nil else {
      throw CallFailure(
        .unsupported,
        "a coordinator is no storage of Optuna's; start it with --optuna-grpc and use "
          + "optuna.storages.GrpcStorageProxy")
    }
    let desk = try StorageDesk(location.opened(), .all)
    unsafe place.pointee = library.handles.add(.storage(desk))
  }
}

@c(needletail_storage_call)
public func callStorage(
  _ storage: UInt64, _ method: UnsafePointer<CChar>?, _ message: UnsafeRawPointer?, _ length: Int,
  _ reply: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
  _ replyLength: UnsafeMutablePointer<Int>?
) -> Int32 {
  answering {
    let desk = try library.handles.storage(storage)
    let method = unsafe try text(method, "the call's name")
    let replyPlace = unsafe try place(reply, "the reply")
    let lengthPlace = unsafe try place(replyLength, "the reply's length")
    var request: [UInt8] = []
    if length != 0 {
      guard length > 0, let message = unsafe message else {
        throw CallFailure.badArgument("the message is a null pointer or has a negative length")
      }
      unsafe request = Array(UnsafeRawBufferPointer(start: message, count: length))
    }
    let answer: [UInt8]
    do throws(CallStatus) {
      answer = try desk.answer(method, request)
    } catch {
      throw CallFailure(error)
    }
    unsafe lengthPlace.pointee = answer.count
    guard !answer.isEmpty else {
      unsafe replyPlace.pointee = nil
      return
    }
    guard let memory = unsafe malloc(answer.count) else {
      throw CallFailure(.failed, "there is no memory left for the reply")
    }
    unsafe UnsafeMutableRawBufferPointer(start: memory, count: answer.count).copyBytes(from: answer)
    unsafe replyPlace.pointee = unsafe memory
  }
}

extension CallFailure {
  /// What a call of Optuna's service that failed is to a caller.
  fileprivate init(_ status: CallStatus) {
    let code: Code =
      switch status.code {
      case .notFound: .notFound
      case .alreadyExists: .exists
      case .failedPrecondition: .notRunning
      case .invalidArgument, .permissionDenied: .badArgument
      case .unimplemented: .unsupported
      case .unavailable, .internalError, .resourceExhausted: .store
      case .ok: .failed
      }
    self.init(code, status.message)
  }
}
