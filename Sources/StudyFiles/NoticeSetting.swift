/// Who is told of what becomes of a study: a webhook or a command.
package struct NoticeSetting: Sendable, Hashable {
  /// What there is to tell.
  package enum Event: String, Sendable, CaseIterable {
    /// The study has its trials, or has come to its end early.
    case done
    /// Its trials only fail, or too many of them have, and it was stopped for that.
    case failing
    /// A trial is better than all before, or is one that no other one beats.
    case best
    /// A user paused, stopped or cancelled it.
    case paused
  }

  /// What the body of a webhook looks like.
  package enum Format: String, Sendable, CaseIterable {
    /// All that is known; see the documentation.
    case json
    /// A text, as Slack and what is compatible with it take it.
    case slack
    /// A card with a text, as Microsoft Teams takes it.
    case teams
    /// Status, severity and message, for monitors.
    case monitor
  }

  /// Who is told.
  package enum Target: Sendable, Hashable {
    case webhook(Webhook)
    /// A command, which gets the body in full on its standard input.
    case command(CommandTemplate)
  }

  /// An address to send to.
  package struct Webhook: Sendable, Hashable {
    /// Text and variables of the environment.
    package let url: WordTemplate
    /// What is sent.
    package let format: Format
    /// Further lines of the request's header.
    package let headers: [ServiceSetting.Header]
    /// What the body is signed with; nil to leave it unsigned.
    package let secret: WordTemplate?
    /// How often a notice is sent in all until it is taken.
    package let tries: Int
  }

  /// Who is told.
  package let target: Target
  /// Of what.
  package let events: Set<Event>
  /// Where it stands in the study file.
  package let location: SourceLocation?
}

extension NoticeSetting {
  /// Of what there is to tell, what is told where the file does not say.
  private static let usual: Set<Event> = [.done, .failing, .paused]
  private static let most = 20

  /// Reads `notify:`, which is one notice or a list of them.
  static func read(_ node: YAMLNode) throws(LocatedFault) -> [NoticeSetting] {
    guard node.elements.count <= most else {
      throw node.fault("'notify' has \(node.elements.count) targets; give at most \(most)")
    }
    var all: [NoticeSetting] = []
    for element in node.elements { all.append(try NoticeSetting(reading: element)) }
    return all
  }

  private init(reading node: YAMLNode) throws(LocatedFault) {
    location = node.location
    let fields = try Fields(
      node, in: "'notify'",
      known: [
        FieldName("webhook", "url"), "command", FieldName("on", "events"), "format", "headers",
        "secret", "tries",
      ])
    var events = Self.usual
    if let on = fields["on"] {
      events = []
      for element in on.elements {
        events.insert(try element.choice("'on' of 'notify'", among: Event.allCases))
      }
    }
    self.events = events
    switch (fields["webhook"], fields["command"]) {
    case (let url?, nil):
      let secret = try fields["secret"].map { (node) throws(LocatedFault) in
        try WordTemplate(
          node.text("'secret' of 'notify'"), known: ["study"], in: "'secret' of 'notify'",
          at: node.location)
      }
      target = .webhook(
        Webhook(
          url: try WordTemplate(
            url.text("'webhook' of 'notify'"), known: ["study"], in: "'webhook' of 'notify'",
            at: url.location),
          format: try fields["format"]?.choice("'format' of 'notify'", among: Format.allCases)
            ?? .json,
          headers: try ServiceSetting.headers(fields["headers"], of: "'notify'"), secret: secret,
          tries: try fields["tries"]?.count("'tries' of 'notify'", from: 1, through: 100) ?? 5))
    case (nil, let command?):
      for key in ["format", "headers", "secret", "tries"] {
        guard let node = fields[key] else { continue }
        throw node.fault("'\(key)' of 'notify' is for a webhook, and this is a command; remove it")
      }
      target = .command(
        try CommandTemplate(reading: command, usesShell: false, parameters: ["event", "text"]))
    case (nil, nil):
      throw node.fault("'notify' needs a 'webhook' or a 'command'; give one")
    case (_?, _?):
      throw node.fault("'notify' has a 'webhook' and a 'command'; make two of it")
    }
  }
}
