internal import JSON
internal import StudyModel

/// What those are told who follow all studies and workers.
struct OverviewStream: Sendable {
  /// What there is at a moment.
  struct Look: Sendable {
    /// A study's name and the form that the list of studies has of it.
    var studies: [(name: String, form: [UInt8])] = []
    /// The answer of the list of workers.
    var workers: [UInt8] = []
  }

  /// Streams that are told the same.
  private struct Group {
    /// The studies of their tokens; nil for all.
    let studies: Set<String>?
    var streams: [(stream: HTTPStream, since: UInt64)] = []
    var known: [String: [UInt8]] = [:]
    var workers: [UInt8] = []
  }

  private var all: [Group] = []

  var count: Int { all.reduce(0) { $0 + $1.streams.count } }
  var groups: [Set<String>?] { all.map(\.studies) }
  var streams: [HTTPStream] { all.flatMap { $0.streams.map(\.stream) } }

  /// Adds a stream, and tells it everything.
  mutating func add(_ stream: HTTPStream, studies: Set<String>?, _ look: Look) {
    if !all.contains(where: { $0.studies == studies }) { all.append(Group(studies: studies)) }
    tell(look, to: studies)
    for place in all.indices where all[place].studies == studies {
      all[place].streams.append((stream, ServerTime.milliseconds))
    }
    stream.write(
      Self.event("studies", Self.studies(look.studies.map(\.form), removed: [], isAll: true)))
    stream.write(Self.event("workers", look.workers))
  }

  /// Tells a group what changed since it was told last.
  mutating func tell(_ look: Look, to studies: Set<String>?) {
    guard let place = all.firstIndex(where: { $0.studies == studies }) else { return }
    let changed = look.studies.filter { all[place].known[$0.name] != $0.form }
    let present = Set(look.studies.map(\.name))
    let removed = all[place].known.keys.filter { !present.contains($0) }.sorted()
    all[place].known = Dictionary(look.studies.map { ($0.name, $0.form) }) { $1 }
    if !changed.isEmpty || !removed.isEmpty {
      write(
        Self.event(
          "studies", Self.studies(changed.map(\.form), removed: removed, isAll: false)), to: place)
    }
    if look.workers != all[place].workers {
      all[place].workers = look.workers
      write(Self.event("workers", look.workers), to: place)
    }
  }

  private func write(_ event: [UInt8], to place: Int) {
    for (stream, _) in all[place].streams { stream.write(event) }
  }

  private static func event(_ name: StaticString, _ data: [UInt8]) -> [UInt8] {
    Array("event: \(name)\ndata: ".utf8) + data.filter { $0 != 10 } + [10, 10]
  }

  private static func studies(_ forms: [[UInt8]], removed: [String], isAll: Bool) -> [UInt8] {
    var bytes = Array("{\"all\":\(isAll),\"studies\":[".utf8)
    for (place, form) in forms.enumerated() {
      if place > 0 { bytes.append(44) }
      bytes += form
    }
    bytes += "],\"removed\":".utf8
    return bytes + JSONValue.array(removed.map(JSONValue.string)).bytes() + [125]
  }

  /// As ``StudyStream/tend(olderThan:)``.
  mutating func tend(olderThan age: UInt64) {
    let now = ServerTime.milliseconds
    for place in all.indices {
      all[place].streams.removeAll { stream, since in
        if now - since > age { stream.end() }
        return stream.isGone
      }
      write(Array(": still here\n\n".utf8), to: place)
    }
    all.removeAll { $0.streams.isEmpty }
  }
}
