internal import JSON
package import StudyModel

/// How the stores in databases spell what they share: the words of Optuna's tables, and ours.
extension TrialState {
  /// The state's name in the store.
  package var storeName: String {
    switch self {
    case .waiting: "WAITING"
    case .running: "RUNNING"
    case .completed: "COMPLETE"
    case .pruned: "PRUNED"
    case .failed: "FAIL"
    }
  }

  /// The state of that name in the store; nil for any other text.
  package init?(storeName: String) {
    guard let state = TrialState.allCases.first(where: { $0.storeName == storeName }) else {
      return nil
    }
    self = state
  }

  /// The state of that name in the store; nil for any other bytes.
  package init?(storeBytes name: UnsafeRawBufferPointer) {
    for state in Self.allCases where name.elementsEqual(state.storeName.utf8) {
      self = state
      return
    }
    return nil
  }
}

/// The types of stored numbers.
package enum StoredValueType {
  case finite
  case positiveInfinity
  case negativeInfinity
  case notANumber
  case unknown

  /// The type of that name.
  package init(_ name: UnsafeRawBufferPointer) {
    if name.elementsEqual("FINITE".utf8) {
      self = .finite
    } else if name.elementsEqual("INF_POS".utf8) {
      self = .positiveInfinity
    } else if name.elementsEqual("INF_NEG".utf8) {
      self = .negativeInfinity
    } else if name.elementsEqual("NAN".utf8) {
      self = .notANumber
    } else {
      self = .unknown
    }
  }
}

extension Distribution {
  /// Reads the stored text of a distribution.
  ///
  /// - Throws: ``StoreError/damaged(location:problem:)`` for text that is none.
  package init(stored text: String, of name: String, location: String) throws(StoreError) {
    do {
      self = try Distribution(stored: JSONValue(parsing: text))
    } catch {
      throw .damaged(
        location: location, problem: "the distribution of parameter '\(name)': \(error)")
    }
  }
}

/// The reports of an attempt as they are kept in its record: `[[step, value], …]`.
package enum ReportList {
  /// The text of those reports.
  package static func text(_ reports: [IntermediateValue]) -> String {
    JSONValue.array(reports.map { .array([.integer($0.step), .float($0.value)]) }).text()
  }

  /// The reports in that text; nil when it is no such list.
  package static func reports(_ text: String) -> [IntermediateValue]? {
    let list: [JSONValue]?
    do { list = try JSONValue(parsing: text).array } catch { list = nil }
    guard let list else { return nil }
    var reports: [IntermediateValue] = []
    for pair in list {
      guard let pair = pair.array, pair.count == 2, case .integer(let step) = pair[0],
        let value = pair[1].number
      else { return nil }
      reports.append(IntermediateValue(step: step, value: value))
    }
    return reports
  }
}
