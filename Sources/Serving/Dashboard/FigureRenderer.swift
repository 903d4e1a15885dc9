internal import Dispatch
internal import JSON
internal import Plotting
internal import Stores
internal import StudyModel
internal import System

/// Draws figures, one at a time, and keeps those that are asked for again.
///
/// Reads from a store object of its own, so that a long study that is drawn keeps no page waiting.
final class FigureRenderer: Sendable {
  private let store: any StudyStore
  private let queue = DispatchQueue(label: "needletail.figures")
  private let state = Lock(State())
  private let log: @Sendable (String) -> Void

  /// What is drawn, and how.
  struct Request: Sendable, Hashable {
    enum Format: String, Sendable, CaseIterable {
      /// A picture of its own.
      case svg
      /// The rows behind it, as `plot --data` writes them.
      case data
      /// A part of a page: the picture with what a script needs to show data under the pointer.
      case html
    }

    var kind: PlotKind
    var format: Format
    var objective: Int?
    var parameters: [String]?
    var scale: ValueScale
    /// In pixels; nil for what suits the figure.
    var width: Int?
    var height: Int?
    var studies: [StudyRecord]
  }

  private struct State {
    /// Figures with the versions of their studies, newest first.
    var figures: [(request: Request, versions: [Int], response: HTTPResponse)] = []
    var size = 0
    /// The study that was drawn last; its trials are kept for its other figures.
    var latest: (study: StudyRecord, version: Int, series: StudySeries)?
    var generation = 0
  }

  /// Bytes of figures that are kept.
  private static let capacity = 32 << 20
  /// How long the trials of a study are kept, in milliseconds.
  private static let keeping = 10_000

  init(_ store: any StudyStore, log: @escaping @Sendable (String) -> Void) {
    self.store = store
    self.log = log
  }

  /// Answers the exchange with the figure.
  ///
  /// - Parameter versions: What the studies' versions are, one each; a figure of the same is not
  ///   drawn again.
  func draw(_ request: Request, versions: [Int], _ exchange: HTTPExchange) {
    let known = state.withLock { state in
      state.figures.first { $0.request == request && $0.versions == versions }?.response
    }
    if let known { return exchange.respond(known) }
    run(exchange) { [self] in
      var series = try zip(request.studies, versions).map { study, version in
        try self.series(of: study, version: version, alone: request.studies.count == 1)
      }
      // Only this figure shows them, and a long study has many.
      if request.kind == .attempts, let study = request.studies.first {
        series[0].attempts = try store.attempts(in: study)
      }
      var options = PlotOptions()
      options.objective = request.objective
      options.parameters = request.parameters
      options.scale = request.scale
      let figure = Figure.of(request.kind, series, options: options)
      let response = Self.response(figure, request)
      keep(request, versions, response)
      return response
    }
  }

  /// Answers the exchange with what `body` makes of the trials of a study.
  func read(
    _ study: StudyRecord, version: Int, _ exchange: HTTPExchange,
    _ body: @escaping @Sendable ([Trial]) throws -> HTTPResponse
  ) {
    run(exchange) { [self] in
      try body(try series(of: study, version: version, alone: true).trials)
    }
  }

  private func run(_ exchange: HTTPExchange, _ body: @escaping @Sendable () throws -> HTTPResponse)
  {
    queue.async { [log] in
      // Who has left needs no figure.
      guard !exchange.isClientGone else {
        return exchange.respond(.error(503, "gone", "nobody waits for it"))
      }
      do {
        exchange.respond(try body())
      } catch {
        let refusal = APIError(error)
        if refusal.status >= 500 { log("failed to draw: \(refusal.message)") }
        exchange.respond(refusal.response)
      }
    }
  }

  private func series(of study: StudyRecord, version: Int, alone: Bool) throws -> StudySeries {
    let known = state.withLock { $0.latest }
    if let known, known.study == study, known.version == version { return known.series }
    var details = StudyDetails()
    try details.read(of: study, in: store, waitingWorkers: 0)
    let series = try StudySeries(
      of: study, in: store, metrics: details.metricNames, withWorkers: true)
    guard alone else { return series }
    let generation = state.withLock { state in
      state.latest = (study, version, series)
      state.generation += 1
      return state.generation
    }
    queue.asyncAfter(deadline: .now() + .milliseconds(Self.keeping)) { [weak self] in
      self?.state.withLock { if $0.generation == generation { $0.latest = nil } }
    }
    return series
  }

  private func keep(_ request: Request, _ versions: [Int], _ response: HTTPResponse) {
    state.withLock { state in
      state.figures.removeAll { known in
        guard known.request == request else { return false }
        state.size -= known.response.body.count
        return true
      }
      state.figures.insert((request, versions, response), at: 0)
      state.size += response.body.count
      while state.size > Self.capacity, state.figures.count > 1 {
        state.size -= state.figures.removeLast().response.body.count
      }
    }
  }

  private static func response(_ figure: Figure, _ request: Request) -> HTTPResponse {
    switch request.format {
    case .svg:
      return HTTPResponse(
        status: 200, contentType: "image/svg+xml",
        body: Array(figure.svg(width: request.width, height: request.height).utf8),
        // As a page of its own it may do nothing; its colours are a style sheet inside.
        headers: [
          ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
        ])
    case .html:
      return HTTPResponse(
        status: 200, contentType: "text/html; charset=utf-8",
        body: figure.fragment(width: request.width, height: request.height),
        headers: [("Content-Security-Policy", "default-src 'none'; sandbox")])
    case .data:
      let data = figure.data
      return .json([
        "kind": .string(request.kind.rawValue),
        "studies": .array(request.studies.map { .string($0.name) }),
        "title": .string(figure.title),
        "empty": figure.emptyReason.map(JSONValue.string) ?? .null,
        "columns": .array(data.columns.map { .string($0.name) }),
        "rows": .array((0..<data.count).map { row in .array(data.columns.map { $0.cells[row] }) }),
        "notes": .array(figure.notes.map(JSONValue.string)),
      ])
    }
  }
}
