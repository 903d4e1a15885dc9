internal import HTTPClient
internal import JSON
internal import Launching
internal import StudyFiles
internal import StudyModel
internal import System

/// Sends notices to one target, one after the other, on a thread of its own.
///
/// Idle → sending → closed. A target that hangs holds up no other one, and no trial.
final class NoticeSender: Sendable {
  private let setting: NoticeSetting
  private let warn: @Sendable (String) -> Void
  private let state = Watched(State())

  private struct State {
    var queue: [NoticeBody] = []
    var isSending = false
    var isClosed = false
    var connection: HTTPConnection?
    var thread: BlockingThread?
  }

  /// More notices do not wait; the oldest are dropped.
  private static let longestQueue = 100
  /// How long one try may take.
  private static let patience: Duration = .seconds(10)

  /// - Parameter warn: Told in a sentence why a notice was not delivered; from the own thread.
  init(_ setting: NoticeSetting, warn: @escaping @Sendable (String) -> Void) {
    self.setting = setting
    self.warn = warn
  }

  /// Queues a notice, if the target wants to know of it; returns at once.
  func send(_ body: NoticeBody) {
    guard setting.events.contains(body.event) else { return }
    state.change { state in
      guard !state.isClosed else { return }
      // Of several that were the best one after the other, the last one is news.
      state.queue.removeAll { $0.event == .best && body.event == .best && $0.study == body.study }
      state.queue.append(body)
      if state.queue.count > Self.longestQueue { state.queue.removeFirst() }
      if state.thread == nil { state.thread = BlockingThread { [self] in work() } }
    }
  }

  /// Waits until all is delivered, and gives up what is not in time.
  func close(by deadline: ContinuousClock.Instant) {
    let isDone: Bool? = state.wait(atMost: ContinuousClock.now.duration(to: deadline)) { state in
      state.queue.isEmpty && !state.isSending ? true : nil
    }
    let (left, thread) = state.change { state in
      state.isClosed = true
      state.connection?.cancel()
      defer { state.queue = [] }
      return (state.queue.count + (state.isSending ? 1 : 0), state.thread)
    }
    if isDone == nil, left > 0 {
      warn("\(place): \(left) \(left == 1 ? "notice was" : "notices were") not delivered in time")
    }
    thread?.join()
  }

  /// The target, without what may be a secret.
  private var place: String {
    switch setting.target {
    case .command(let command): "notify '\(command.text)'"
    case .webhook:
      setting.location.map { "the webhook of notify on line \($0.line)" } ?? "the webhook of notify"
    }
  }

  // MARK: On the thread

  private func work() {
    while true {
      let next: NoticeBody?? = state.wait { state in
        if state.isClosed { return .some(nil) }
        guard !state.queue.isEmpty else { return nil }
        state.isSending = true
        return .some(state.queue.removeFirst())
      }
      guard case .some(.some(let body)) = next else { return }
      let problem =
        switch setting.target {
        case .command(let command): run(command, body)
        case .webhook(let webhook): post(body, to: webhook)
        }
      let isClosed = state.change { state in
        state.isSending = false
        return state.isClosed
      }
      if let problem, !isClosed { warn("\(place) was not told of '\(body.event)': \(problem)") }
    }
  }

  /// Runs the command; why it failed, or nil.
  private func run(_ command: CommandTemplate, _ body: NoticeBody) -> String? {
    let words = command.words(
      for: [("event", .string(body.event.rawValue)), ("text", .string(body.text))]
    ) { $0 == "study" ? body.study : "" }
    do throws(LaunchError) {
      _ = try Program.run(
        words, input: body.json(as: .json).text(nonFinite: .strings) + "\n", within: Self.patience)
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// Sends to a webhook until it takes it; why it did not, or nil.
  private func post(_ body: NoticeBody, to webhook: NoticeSetting.Webhook) -> String? {
    var missing: String?
    func text(_ template: WordTemplate) -> String? {
      template.expanded { name in
        guard name.hasPrefix("env:") else { return body.study }
        let value = unsafe getenv(String(name.dropFirst(4))).map { unsafe String(cString: $0) }
        if value == nil { missing = String(name.dropFirst(4)) }
        return value
      }
    }
    let bytes = body.json(as: webhook.format).bytes(nonFinite: .strings)
    var settings = ConnectionSettings(agent: "needletail")
    settings.headers.append("Needletail-Event: \(body.event.rawValue)")
    for header in webhook.headers {
      if let value = text(header.value) { settings.headers.append("\(header.name): \(value)") }
    }
    let secret = webhook.secret.flatMap(text)
    let url = text(webhook.url)
    if let missing { return "the variable '\(missing)' is not set" }
    guard !settings.headers.contains(where: { $0.utf8.contains { $0 < 0x20 && $0 != 0x09 } }) else {
      return "a header would have a line break; mend the variable that it is made of"
    }
    guard let url, let (address, path) = Self.address(url) else {
      return "its address is none; give one that begins with http:// or https://"
    }
    do throws(TransferError) {
      if let secret {
        let signature = try MessageSignature.of(bytes, key: Array(secret.utf8))
        settings.headers.append("Needletail-Signature: sha256=\(signature)")
      }
      let connection = try HTTPConnection(address, settings)
      state.change { $0.connection = connection }
      defer { state.change { $0.connection = nil } }
      return post(bytes, path, over: connection, tries: webhook.tries)
    } catch {
      return Self.sentence(error)
    }
  }

  private func post(
    _ bytes: [UInt8], _ path: String, over connection: HTTPConnection, tries: Int
  ) -> String? {
    var request = HTTPRequest(method: "POST", path: path, body: bytes, timeout: Self.patience)
    request.largestAnswer = 1 << 20
    var backoff = Backoff(from: .milliseconds(500), to: .seconds(30))
    var problem: String?
    for number in 1...tries {
      var asked: Duration?
      do throws(TransferError) {
        let answer = try connection.perform(request) { _, _ in true }
        if (200..<300).contains(answer.status) { return nil }
        problem = "it answered \(answer.status)"
        asked = answer.retryAfter
        guard answer.status >= 500 || answer.status == 408 || answer.status == 429 else { break }
      } catch {
        problem = Self.sentence(error)
      }
      guard number < tries else { break }
      let isClosed = state.wait(atMost: backoff.pause(atLeast: asked.map { min($0, .seconds(60)) }))
      {
        $0.isClosed ? true : nil
      }
      if isClosed == true { break }
    }
    return problem
  }

  /// The origin and what stands behind it.
  private static func address(_ url: String) -> (WebAddress, String)? {
    guard WebAddress.isAddress(url), let scheme = url.firstRange(of: "://") else { return nil }
    let rest = url[scheme.upperBound...]
    let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    guard let address = try? WebAddress(String(url[..<end])) else { return nil }
    let path = String(rest[end...].prefix { $0 != "#" })
    guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    return (address, path.hasPrefix("/") ? path : "/" + path)
  }

  private static func sentence(_ error: TransferError) -> String {
    switch error {
    case .missingLibrary(let name): "\(name) is missing"
    case .unknownHost: "its host is not known"
    case .connectionRefused: "it refuses connections"
    case .unreachable(let reason): "it does not answer: \(reason)"
    case .untrusted: "its certificate is not trusted"
    case .badAuthorityFile, .badCertificate: "a certificate cannot be used"
    case .notHTTP(let reason): reason
    case .cancelled: "it was given up"
    }
  }
}
