internal import CoordinatorClient
internal import JSON
internal import Needletail
internal import Stores
internal import StudyFiles
internal import StudyModel
internal import System
internal import Trials

/// A refused call: its code, as the header names it, and the sentence that says why.
struct CallFailure: Error {
  enum Code: Int32 {
    case badArgument = 1
    case badHandle, forked, exists, notFound, store, notRunning, later, halted, exhausted
    case unsupported, failed
  }

  let code: Code
  let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  static func badHandle(_ handle: UInt64) -> CallFailure {
    CallFailure(
      .badHandle,
      "the handle \(handle) is none, or not of the kind that is wanted here: it was closed, or its "
        + "trial was told")
  }

  static func badArgument(_ message: String) -> CallFailure { CallFailure(.badArgument, message) }

  /// What any error of the library is to a caller.
  init(_ error: any Error) {
    switch error {
    case let known as CallFailure: self = known
    case let known as StoreError: self.init(Self.code(of: known), known.description)
    case let known as TrialError:
      if case .notRunning = known {
        self.init(.notRunning, known.description)
      } else {
        self.init(.badArgument, known.description)
      }
    case is SearchSpaceError, is JSONError, is StudyFileError, is AnalysisError:
      self.init(.badArgument, "\(error)")
    case let known as SamplerError:
      if case .exhausted = known {
        self.init(.exhausted, "\(known)")
      } else {
        self.init(.badArgument, "\(known)")
      }
    case let known as StudyHalted: self.init(known.isPaused ? .later : .halted, known.description)
    case let known as StudyFailing: self.init(.halted, known.description)
    case CoordinatorError.refused(404, _, let message): self.init(.notFound, message)
    case CoordinatorError.refused(409, _, let message): self.init(.exists, message)
    case is CoordinatorError: self.init(.store, "\(error)")
    default: self.init(.failed, "\(error)")
    }
  }

  private static func code(of error: StoreError) -> Code {
    switch error {
    case .studyExists: .exists
    case .unknownStudy, .unknownTrial: .notFound
    case .trialFinished, .leaseLost: .notRunning
    case .unknownAddress, .badAddress, .directionsDiffer, .badStudyName, .incompatibleDistribution,
      .badValues:
      .badArgument
    default: .store
    }
  }
}

/// The latest failure of each thread, for callers that ask afterwards.
enum LatestFailure {
  @unsafe private struct Note {
    var code: Int32
    var text: UnsafeMutablePointer<CChar>
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let code = unsafe pthread_key_create(&key) { memory in
      guard let note = unsafe memory?.assumingMemoryBound(to: Note.self) else { return }
      unsafe free(note.pointee.text)
      unsafe note.deallocate()
    }
    precondition(code == 0, "no thread-specific data is left for the message of a failed call")
    return key
  }()

  private static var note: UnsafeMutablePointer<Note>? {
    unsafe pthread_getspecific(key)?.assumingMemoryBound(to: Note.self)
  }

  static func keep(_ failure: CallFailure) {
    guard let text = unsafe strdup(failure.message) else { return }
    if let note = unsafe note {
      unsafe free(note.pointee.text)
      unsafe note.pointee = unsafe Note(code: failure.code.rawValue, text: text)
      return
    }
    let note = UnsafeMutablePointer<Note>.allocate(capacity: 1)
    unsafe note.initialize(to: unsafe Note(code: failure.code.rawValue, text: text))
    unsafe pthread_setspecific(key, note)
  }

  static var code: Int32 { unsafe note?.pointee.code ?? 0 }
  static var text: UnsafePointer<CChar>? {
    unsafe note.map { unsafe UnsafePointer($0.pointee.text) }
  }
}
