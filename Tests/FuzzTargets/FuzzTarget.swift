internal import JSON
internal import Messages
internal import Objectives
internal import StudyModel

/// A parser of input from outside, and what must hold for it whatever comes.
///
/// The fuzzer calls these with what it invents, the tests with the corpus.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// Any JSON document.
  case json
  /// A body of the HTTP API; the first byte says which.
  case message
  /// A line of the trial channel.
  case channel

  /// A sentence about what went wrong; nil when nothing did. A crash is a fault too.
  package func fault(with input: [UInt8]) -> String? {
    switch self {
    case .json: Self.json(input)
    case .message: Self.message(input)
    case .channel: Self.channel(input)
    }
  }

  private static func json(_ input: [UInt8]) -> String? {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: input)
    } catch {
      return (0...input.count).contains(error.offset) && !error.expected.isEmpty
        ? nil : "the error points nowhere: \(error)"
    }
    for spelling in [JSONValue.NonFiniteSpelling.bareWords, .strings] {
      let text = value.text(nonFinite: spelling)
      do throws(JSONError) {
        guard try JSONValue(parsing: text).text(nonFinite: spelling) == text else {
          return "written and read again, it is another document: \(text)"
        }
      } catch {
        return "what was written is not read: \(error): \(text)"
      }
    }
    return nil
  }

  private static let messages: [@Sendable ([UInt8]) -> String?] = [
    { message(WorkerRegistration.self, $0) }, { message(WorkerTerms.self, $0) },
    { message(WorkerSummary.self, $0) }, { message(Heartbeat.self, $0) },
    { message(LeaseNews.self, $0) }, { message(ClaimRequest.self, $0) },
    { message(ClaimAnswer.self, $0) }, { message(StudyFileMessage.self, $0) },
    { message(SuggestRequest.self, $0) }, { message(SuggestAnswer.self, $0) },
    { message(ReportBatch.self, $0) }, { message(ResultBatch.self, $0) },
    { message(ResultAnswer.self, $0) }, { message(StudySubmission.self, $0) },
    { message(EnqueueRequest.self, $0) }, { message(ErrorMessage.self, $0) },
  ]

  private static func message(_ input: [UInt8]) -> String? {
    guard let first = input.first else { return nil }
    return messages[Int(first) % messages.count](Array(input.dropFirst()))
  }

  private static func message<Body: Message>(_: Body.Type, _ input: [UInt8]) -> String? {
    let body: Body
    do throws(MessageError) {
      body = try Body(parsing: input)
    } catch {
      return sentenceFault(error.description)
    }
    let sent = body.body
    do throws(MessageError) {
      let received = try Body(parsing: sent)
      return received.body == sent ? nil : "sent and received, it is another \(Body.self)"
    } catch {
      return "what was sent is refused: \(error): \(String(decoding: sent, as: UTF8.self))"
    }
  }

  private static func channel(_ input: [UInt8]) -> String? {
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue(parsing: input) } catch { return nil }
    let request: ChannelRequest
    do throws(ChannelError) {
      request = try ChannelRequest(json: json)
    } catch {
      return sentenceFault(error.description)
    }
    let sent = request.json
    do throws(ChannelError) {
      let received = try ChannelRequest(json: sent)
      return received.json.text() == sent.text() ? nil : "sent and received, it is another request"
    } catch {
      return "what was sent is refused: \(error): \(sent.text())"
    }
  }

  /// An answer is a sentence that names what is wrong, and not all that came.
  private static func sentenceFault(_ sentence: String) -> String? {
    if sentence.isEmpty { return "the refusal says nothing" }
    return sentence.utf8.count <= 8_192 ? nil : "the refusal has \(sentence.utf8.count) bytes"
  }
}
