package import Stores

/// How a call ended, in the words of gRPC.
package struct CallStatus: Error, Hashable, Sendable {
  /// The codes of gRPC that are said here.
  package enum Code: Int, Sendable {
    case ok = 0
    case invalidArgument = 3
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case unimplemented = 12
    case internalError = 13
    case unavailable = 14
  }

  /// What kind of failure it is.
  package let code: Code
  /// One sentence for people; empty when all went well.
  package let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  static let ok = CallStatus(.ok, "")

  /// The status for an error of the store: the one by which Optuna's client raises the exception
  /// that its own storages would.
  package init(_ error: StoreError) {
    let code: Code =
      switch error {
      case .studyExists: .alreadyExists
      case .unknownStudy, .unknownTrial: .notFound
      case .trialFinished, .leaseLost: .failedPrecondition
      case .incompatibleDistribution, .badValues, .badStudyName: .invalidArgument
      default: error.isTransient ? .unavailable : .internalError
      }
    self.init(code, error.description)
  }

  /// The message as a header carries it: bytes that are not printable ASCII, and `%`, are escaped.
  var headerText: String {
    var text = ""
    // Enough for a sentence, and within the headers that every client takes.
    for byte in message.utf8.prefix(2_000) {
      if byte >= 0x20, byte < 0x7F, byte != 0x25 {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        text += "%" + (digits.utf8.count < 2 ? "0" : "") + digits
      }
    }
    return text
  }
}
