internal import JSON
internal import StudyFiles
internal import StudyModel
internal import System

/// What is told of a study at a moment.
struct NoticeBody: Sendable {
  let event: NoticeSetting.Event
  let study: String
  let directions: [Direction]
  let metrics: [String]
  let counts: [TrialState: Int]
  let best: Trial?
  /// Why it has come to that, in a sentence or clause; nil where there is nothing to say.
  let reason: String?
  let moment: Timestamp

  /// In a sentence, for people.
  var text: String {
    let name = "study '\(study)'"
    let value = best.map { trial in
      let values = zip(metrics, trial.values).map { "\($0) = \(JSONValue.float($1).text())" }
      return "trial \(trial.number) with \(values.joined(separator: ", "))"
    }
    switch event {
    case .done:
      return "\(name) is done" + (reason.map { ": \($0)" } ?? "")
        + (value.map { "; the best is \($0)" } ?? "; no trial has a result")
    case .failing: return "\(name) is failing" + (reason.map { ": \($0)" } ?? "")
    case .paused: return "\(name) is \(reason ?? "paused")"
    case .best: return "\(name) has a new best: \(value ?? "no trial")"
    }
  }

  /// As a format has it.
  func json(as format: NoticeSetting.Format) -> JSONValue {
    switch format {
    case .json: document
    case .slack: ["text": .string(text)]
    case .teams:
      [
        "type": "message",
        "attachments": [
          [
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": [
              "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
              "type": "AdaptiveCard", "version": "1.4",
              "body": [["type": "TextBlock", "text": .string(text), "wrap": true]],
            ],
          ]
        ],
      ]
    case .monitor:
      [
        "source": "needletail", "status": event == .failing ? "failing" : "ok",
        "severity": event == .failing ? "error" : event == .paused ? "warning" : "info",
        "title": .string("\(study): \(event.rawValue)"), "message": .string(text),
        "dedup_key": .string("needletail/\(study)"), "at": .string(moment.rfc3339),
      ]
    }
  }

  private var document: JSONValue {
    [
      "version": 1, "event": .string(event.rawValue), "study": .string(study),
      "at": .string(moment.rfc3339), "text": .string(text),
      "reason": reason.map(JSONValue.string) ?? .null,
      "directions": .array(directions.map { .string($0.rawValue) }),
      "metrics": .array(metrics.map(JSONValue.string)),
      "trials": .object(
        TrialState.allCases.map { .init($0.name, .integer(counts[$0] ?? 0)) }),
      "best": best.map { trial in
        [
          "number": .integer(trial.number), "values": .array(trial.values.map(JSONValue.float)),
          "parameters": .object(
            trial.parameters.map { .init($0.name, JSONValue($0.value)) }),
        ]
      } ?? .null,
    ]
  }
}
