package import JSON
internal import StudyModel

/// A body of the HTTP API: a value with a JSON form.
///
/// Between workers and coordinators NaN and infinities are the bare words of the study store, so
/// that every value arrives as it was sent; the strings `"nan"`, `"inf"` and `"-inf"` are accepted
/// too.
package protocol Message: Sendable, Hashable {
  /// Reads the body; unknown members are ignored, so that a later version may add some.
  init(json: JSONValue) throws(MessageError)
  /// The body as it is sent.
  var json: JSONValue { get }
}

extension Message {
  /// Reads a body in UTF-8.
  package init(parsing body: [UInt8]) throws(MessageError) {
    guard String(validating: body, as: UTF8.self) != nil else {
      throw MessageError("the body is not UTF-8; send the text in that encoding")
    }
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: body)
    } catch {
      throw MessageError("the body is no JSON document: \(error)")
    }
    try self.init(json: json)
  }

  /// The body as it is sent.
  package var body: [UInt8] { json.bytes() }
}

/// What both sides must agree on.
package enum WireProtocol {
  /// Grows when a coordinator and a worker of different versions no longer understand each other.
  package static let version = 1
  /// Where a coordinator listens unless told otherwise.
  package static let defaultPort = 7_654
  /// The longest time that a claim may wait for a trial.
  package static let longestWait: Duration = .seconds(60)
  /// How many items a list in a request may have.
  package static let longestList = 10_000
  /// How often a trial may be tried: a trial is given up long before.
  package static let mostAttempts = 100_000
}

/// A body that says something else than it should; a sentence.
package struct MessageError: Error, Hashable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
