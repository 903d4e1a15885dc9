package import JSON
package import StudyModel
package import Trials

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
  package var worker: String
  /// In the order in which they are taken; attributes come first on the wire.
  package var reports: [Report]

  package init(worker: String, reports: [Report]) {
    self.worker = worker
    self.reports = reports
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    worker = try reader.name("worker")
    let values = try reader.list("reports") { (item) throws(MessageError) in
      Report(lease: try item.text("lease"), .value(try item.report()))
    }
    let attributes = try reader.list("attributes") { (item) throws(MessageError) in
      Report(lease: try item.text("lease"), .attribute(try item.attribute()))
    }
    reports = attributes + values
  }

  package var json: JSONValue {
    var (values, attributes) = ([] as [JSONValue], [] as [JSONValue])
    for report in reports {
      let lease = JSONValue.string(report.lease)
      switch report.content {
      case .value(let value):
        values.append(
          ["lease": lease, "step": .integer(value.step), "value": .float(value.value)])
      case .attribute(let attribute):
        attributes.append(
          ["lease": lease, "key": .string(attribute.key), "value": attribute.value])
      }
    }
    return [
      "worker": .string(worker), "reports": .array(values), "attributes": .array(attributes),
    ]
  }
}

extension TrialResult: Message {
  package init(json: JSONValue) throws(MessageError) { try self.init(try MessageReader(json)) }

  init(_ reader: MessageReader) throws(MessageError) {
    let lease = try reader.text("lease")
    let name = try reader.text("outcome")
    let outcome: Outcome
    switch AttemptOutcome(rawValue: name) {
    case .completed?: outcome = .completed(try reader.numbers("values"))
    case .pruned?: outcome = .pruned
    case .lost?, nil:
      throw MessageError("'outcome' is '\(name.prefix(40))'; give completed, pruned or failed")
    case .some(let other):
      outcome = .ended(other, reason: try reader.optionalText("reason", atMost: 65_536) ?? "")
    }
    self.init(
      lease: lease, outcome: outcome,
      reports: try reader.list("reports") { (item) throws(MessageError) in try item.report() },
      attributes: try reader.list("attributes") { (item) throws(MessageError) in
        try item.attribute()
      })
  }

  package var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("lease", .string(lease)), .init("outcome", .string(outcome.kind.rawValue)),
    ]
    switch outcome {
    case .completed(let values):
      members.append(.init("values", .array(values.map(JSONValue.float))))
    case .pruned: break
    case .ended(_, let reason): members.append(.init("reason", .string(reason)))
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
  package var results: [TrialResult]
  package var claim: ClaimRequest?

  package init(worker: String, results: [TrialResult], claim: ClaimRequest?) {
    self.worker = worker
    self.results = results
    self.claim = claim
  }

  package init(json: JSONValue) throws(MessageError) {
    let reader = try MessageReader(json)
    worker = try reader.name("worker")
    results = try reader.list("results", TrialResult.init)
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
  /// What became of the result under a lease.
  package struct Item: Sendable, Hashable {
    package var lease: String
    /// Without the trial, which a worker does not need.
    package var verdict: Verdict

    package init(lease: String, _ verdict: Verdict) {
      self.lease = lease
      self.verdict = verdict
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
      Item(lease: try item.text("lease"), try Verdict(item))
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
              "lease": .string($0.lease), "status": .string($0.verdict.name),
              "message": .string($0.verdict.message),
            ]
          }))
    ]
    if let claimed { members.append(.init("claimed", claimed.json)) }
    return .object(members)
  }
}

extension Verdict {
  init(_ reader: MessageReader) throws(MessageError) {
    let status = try reader.text("status")
    let message = try reader.optionalText("message", atMost: 65_536) ?? ""
    switch status {
    case "accepted": self = .accepted(nil)
    case "repeated": self = .repeated(nil)
    case "lost": self = .lost(message)
    case "refused": self = .refused(message)
    default:
      throw MessageError("'status' is '\(status.prefix(40))', which this version does not know")
    }
  }

  /// What to tell a reader; empty when there is nothing to say.
  fileprivate var message: String {
    switch self {
    case .accepted: ""
    case .repeated: "it was accepted before"
    case .lost(let reason), .refused(let reason): reason
    }
  }
}
