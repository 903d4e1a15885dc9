internal import CPostgres
internal import Stores
internal import StudyModel
internal import System

/// libpq, opened when the first PostgreSQL store is and kept.
///
/// Its functions may be called from any thread, those of one connection by one at a time.
@safe struct ClientLibrary: Sendable {
  let parseAddress: nt_PQconninfoParse
  let settings: nt_PQconninfo
  let freeSettings: nt_PQconninfoFree
  let connect: nt_PQconnectStartParams
  let goOnConnecting: nt_PQconnectPoll
  let finish: nt_PQfinish
  let status: nt_PQstatus
  let socket: nt_PQsocket
  let errorMessage: nt_PQerrorMessage
  let setVerbosity: nt_PQsetErrorVerbosity
  let needsPassword: nt_PQconnectionNeedsPassword
  let serverVersion: nt_PQserverVersion
  let serverProcess: nt_PQbackendPID
  let transactionStatus: nt_PQtransactionStatus
  let setNoticeProcessor: nt_PQsetNoticeProcessor
  let setNonblocking: nt_PQsetnonblocking
  let free: nt_PQfreemem
  let enterPipeline: nt_PQenterPipelineMode
  let exitPipeline: nt_PQexitPipelineMode
  let sync: nt_PQpipelineSync
  let sendQuery: nt_PQsendQuery
  let sendPrepare: nt_PQsendPrepare
  let sendParameters: nt_PQsendQueryParams
  let sendPrepared: nt_PQsendQueryPrepared
  let flush: nt_PQflush
  let consumeInput: nt_PQconsumeInput
  let isBusy: nt_PQisBusy
  let result: nt_PQgetResult
  let copyData: nt_PQgetCopyData
  let notification: nt_PQnotifies
  let resultStatus: nt_PQresultStatus
  let errorField: nt_PQresultErrorField
  let rowCount: nt_PQntuples
  let isNull: nt_PQgetisnull
  let value: nt_PQgetvalue
  let length: nt_PQgetlength
  let clear: nt_PQclear

  /// The library, or what is missing of it.
  static let shared: Result<ClientLibrary, MissingLibrary> = Result {
    () throws(MissingLibrary) in try ClientLibrary()
  }

  /// The library.
  ///
  /// - Throws: ``StoreError/io(location:problem:)`` that says what to install.
  static func opened(for location: String) throws(StoreError) -> ClientLibrary {
    switch shared {
    case .success(let library): return library
    case .failure(let missing):
      throw .io(
        location: location,
        problem: "PostgreSQL's client library (\(missing.name)) is missing; install libpq5")
    }
  }

  private init() throws(MissingLibrary) {
    let pq = try SharedLibrary("libpq", version: 5)
    unsafe parseAddress = try pq.function("PQconninfoParse")
    unsafe settings = try pq.function("PQconninfo")
    unsafe freeSettings = try pq.function("PQconninfoFree")
    unsafe connect = try pq.function("PQconnectStartParams")
    unsafe goOnConnecting = try pq.function("PQconnectPoll")
    unsafe finish = try pq.function("PQfinish")
    unsafe status = try pq.function("PQstatus")
    unsafe socket = try pq.function("PQsocket")
    unsafe errorMessage = try pq.function("PQerrorMessage")
    unsafe setVerbosity = try pq.function("PQsetErrorVerbosity")
    unsafe needsPassword = try pq.function("PQconnectionNeedsPassword")
    unsafe serverVersion = try pq.function("PQserverVersion")
    unsafe serverProcess = try pq.function("PQbackendPID")
    unsafe transactionStatus = try pq.function("PQtransactionStatus")
    unsafe setNoticeProcessor = try pq.function("PQsetNoticeProcessor")
    unsafe setNonblocking = try pq.function("PQsetnonblocking")
    unsafe free = try pq.function("PQfreemem")
    unsafe enterPipeline = try pq.function("PQenterPipelineMode")
    unsafe exitPipeline = try pq.function("PQexitPipelineMode")
    unsafe sync = try pq.function("PQpipelineSync")
    unsafe sendQuery = try pq.function("PQsendQuery")
    unsafe sendPrepare = try pq.function("PQsendPrepare")
    unsafe sendParameters = try pq.function("PQsendQueryParams")
    unsafe sendPrepared = try pq.function("PQsendQueryPrepared")
    unsafe flush = try pq.function("PQflush")
    unsafe consumeInput = try pq.function("PQconsumeInput")
    unsafe isBusy = try pq.function("PQisBusy")
    unsafe result = try pq.function("PQgetResult")
    unsafe copyData = try pq.function("PQgetCopyData")
    unsafe notification = try pq.function("PQnotifies")
    unsafe resultStatus = try pq.function("PQresultStatus")
    unsafe errorField = try pq.function("PQresultErrorField")
    unsafe rowCount = try pq.function("PQntuples")
    unsafe isNull = try pq.function("PQgetisnull")
    unsafe value = try pq.function("PQgetvalue")
    unsafe length = try pq.function("PQgetlength")
    unsafe clear = try pq.function("PQclear")
  }
}
