package import Coordination
package import JSON
package import StudyModel

/// `POST /v1/suggest`: a running objective asks for parameters.
package struct SuggestRequest: Message {
  package var worker: String
  package var lease: String
  package var parameters: [Parameter]

  package init(worker: String, lease: String, parameters: [Parameter]) {
    self.worker = worker
    self.lease = lease
    self.parameters = parameters
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    worker = try reader.name("worker")
    lease = try reader.text("lease")
    parameters = try reader.list("parameters") { (parameter) throws(MessageError) in
      let name = try parameter.text("name")
      guard !name.isEmpty else { throw MessageError("a parameter's 'name' is empty") }
      return Parameter(name, try parameter.distribution("distribution"))
    }
  }

  package var json: JSONValue {
    [
      "worker": .string(worker), "lease": .string(lease),
      "parameters": .array(
        parameters.map { ["name": .string($0.name), "distribution": $0.distribution.json] }),
    ]
  }
}

/// The parameters' values, in the order asked for, as internal values of their distributions.
package struct SuggestAnswer: Message {
  package var internalValues: [Double]

  package init(internalValues: [Double]) { self.internalValues = internalValues }

  package init(json: JSONValue) throws(MessageError) {
    internalValues = try MessageReader(json).numbers("internal_values")
  }

  package var json: JSONValue {
    ["internal_values": .array(internalValues.map(JSONValue.float))]
  }
}

/// `POST /v1/reports`: what running trials reported and which attributes they set; answered by
/// ``LeaseNews``.
package struct ReportBatch: Message {
  /// A value that a trial reported.
  package struct Report: Sendable, Hashable {
    package var lease: String
    package var report: IntermediateValue

    package init(lease: String, report: IntermediateValue) {
      self.lease = lease
      self.report = report
    }
  }

  /// An attribute of the user that a trial set.
  package struct Setting: Sendable, Hashable {
    package var lease: String
    package var attribute: Attribute

    package init(lease: String, attribute: Attribute) {
      self.lease = lease
      self.attribute = attribute
    }
  }

  package var worker: String
  package var reports: [Report]
  package var attributes: [Setting]

  package init(worker: String, reports: [Report], attributes: [Setting]) {
    self.worker = worker
    self.reports = reports
    self.attributes = attributes
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    worker = try reader.name("worker")
    reports = try reader.list("reports") { (item) throws(MessageError) in
      Report(lease: try item.text("lease"), report: try item.report())
    }
    attributes = try reader.list("attributes") { (item) throws(MessageError) in
      Setting(lease: try item.text("lease"), attribute: try item.attribute())
    }
  }

  package var json: JSONValue {
    [
      "worker": .string(worker),
      "reports": .array(
        reports.map {
          [
            "lease": .string($0.lease), "step": .integer($0.report.step),
            "value": .float($0.report.value),
          ]
        }),
      "attributes": .array(
        attributes.map {
          [
            "lease": .string($0.lease), "key": .string($0.attribute.key),
            "value": $0.attribute.value,
          ]
        }),
    ]
  }
}

/// How a trial's attempt ended, with what was not sent before.
package struct TrialResultMessage: Message {
  package var lease: String
  package var outcome: TrialOutcome
  package var reports: [IntermediateValue]
  package var attributes: [Attribute]

  package init(
    lease: String, outcome: TrialOutcome, reports: [IntermediateValue], attributes: [Attribute]
  ) {
    self.lease = lease
    self.outcome = outcome
    self.reports = reports
    self.attributes = attributes
  }

  package init(json: JSONValue) throws(MessageError) { try self.init(try MessageReader(json)) }

  init(_ reader: MessageReader) throws(MessageError) {
    lease = try reader.text("lease")
    let name = try reader.text("outcome")
    switch AttemptOutcome(rawValue: name) {
    case .completed?: outcome = .completed(try reader.numbers("values"))
    case .pruned?: outcome = .pruned
    case .lost?, nil:
      throw MessageError("'outcome' is '\(name.prefix(40))'; give completed, pruned or failed")
    case .some(let other):
      outcome = .ended(other, reason: try reader.optionalText("reason", atMost: 65_536) ?? "")
    }
    reports = try reader.list("reports") { (item) throws(MessageError) in try item.report() }
    attributes = try reader.list("attributes") { (item) throws(MessageError) in
      try item.attribute()
    }
  }

  package var json: JSONValue {
    var members: [JSONValue.Member] = [.init("lease", .string(lease))]
    switch outcome {
    case .completed(let values):
      members.append(.init("outcome", .string(AttemptOutcome.completed.rawValue)))
      members.append(.init("values", .array(values.map(JSONValue.float))))
    case .pruned: members.append(.init("outcome", .string(AttemptOutcome.pruned.rawValue)))
    case .ended(let kind, let reason):
      members.append(.init("outcome", .string(kind.rawValue)))
      members.append(.init("reason", .string(reason)))
    }
    members.append(
      .init(
        "reports",
        .array(reports.map { ["step": .integer($0.step), "value": .float($0.value)] })))
    members.append(.init("attributes", .array(attributes.map(\.json))))
    return .object(members)
  }
}

/// `POST /v1/results`: trials that ended, and perhaps a claim for the slots that became free.
package struct ResultBatch: Message {
  package var worker: String
  package var results: [TrialResultMessage]
  package var claim: ClaimRequest?

  package init(worker: String, results: [TrialResultMessage], claim: ClaimRequest?) {
    self.worker = worker
    self.results = results
    self.claim = claim
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    worker = try reader.name("worker")
    results = try reader.list("results", TrialResultMessage.init)
    claim =
      if let claim = reader.optional("claim") {
        try ClaimRequest(try MessageReader(claim, at: "claim."))
      } else { nil }
  }

  package var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("worker", .string(worker)), .init("results", .array(results.map(\.json))),
    ]
    if let claim { members.append(.init("claim", claim.json)) }
    return .object(members)
  }
}

/// What became of the results, in their order.
package struct ResultAnswer: Message {
  package enum Status: String, Sendable, Hashable {
    /// It was applied now.
    case accepted
    /// It had been applied before; nothing changed.
    case repeated
    /// The lease was not live; the result stands in the attempt log and counts for nothing.
    case lost
    /// It cannot be applied, now or later; ``Item/message`` says why.
    case refused
  }

  package struct Item: Sendable, Hashable {
    package var lease: String
    package var status: Status
    /// What to tell a reader; empty when there is nothing to say.
    package var message: String

    package init(lease: String, status: Status, message: String) {
      self.lease = lease
      self.status = status
      self.message = message
    }
  }

  package var results: [Item]
  package var claimed: ClaimAnswer?

  package init(results: [Item], claimed: ClaimAnswer?) {
    self.results = results
    self.claimed = claimed
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    results = try reader.list("results") { (item) throws(MessageError) in
      let status = try item.text("status")
      guard let known = Status(rawValue: status) else {
        throw MessageError("'status' is '\(status.prefix(40))', which this version does not know")
      }
      return Item(
        lease: try item.text("lease"), status: known,
        message: try item.optionalText("message", atMost: 65_536) ?? "")
    }
    claimed =
      if let claimed = reader.optional("claimed") {
        try ClaimAnswer(try MessageReader(claimed, at: "claimed."))
      } else { nil }
  }

  package var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init(
        "results",
        .array(
          results.map {
            [
              "lease": .string($0.lease), "status": .string($0.status.rawValue),
              "message": .string($0.message),
            ]
          }))
    ]
    if let claimed { members.append(.init("claimed", claimed.json)) }
    return .object(members)
  }
}
