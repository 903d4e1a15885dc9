internal import OptunaService
internal import Serving
internal import Stores
internal import System

/// The options with which `serve` offers studies to Optuna's own client of a storage service.
struct OptunaOptions: Sendable {
  /// What the verb's description lists.
  static let all: [VerbDescription.Option] = [
    .init(
      name: "--optuna-grpc", placeholder: "HOST:PORT",
      help:
        "Serve programs with optuna.storages.GrpcStorageProxy at this address, too; port 0 for a "
        + "free one."),
    .init(
      name: "--optuna-study", placeholder: "NAME",
      help: "Offer them this study, beside those that they create; may be given several times.",
      completion: .study, isRepeated: true),
    .init(
      name: "--optuna-grpc-open",
      help:
        "Let that address be one that other machines reach; their client has neither encryption "
        + "nor tokens."),
  ]

  /// A service that was started, and where it listens.
  struct Service {
    let server: StorageServer
    let address: ListenAddress
    /// Whether other machines reach it.
    let isOpen: Bool
  }

  private let address: ListenAddress
  private let studies: [String]
  private let isOpenAllowed: Bool

  /// - Returns: nil without `--optuna-grpc`.
  init?(_ arguments: inout ArgumentScanner) throws(UsageError) {
    studies = arguments.values("--optuna-study")
    isOpenAllowed = arguments.flag("--optuna-grpc-open")
    guard let text = arguments.value("--optuna-grpc") else {
      guard studies.isEmpty, !isOpenAllowed else {
        throw .conflict("--optuna-study and --optuna-grpc-open need --optuna-grpc")
      }
      return nil
    }
    do throws(ServingError) {
      address = try ListenAddress(text)
    } catch {
      throw .conflict(error.description)
    }
  }

  /// Starts the service.
  ///
  /// - Parameter store: A store object of its own.
  /// - Throws: ``ServingError``, and ``StoreError`` for a study that is not there.
  func serve(
    _ store: any StudyStore, _ log: @escaping @Sendable (String) -> Void
  ) throws -> Service {
    var socket = try ListenSocket(address)
    guard socket.isLoopback || isOpenAllowed else {
      throw ServingError.other(
        "\(socket.address) can be reached from other machines, and Optuna's client has neither "
          + "encryption nor tokens; listen on 127.0.0.1, or give --optuna-grpc-open")
    }
    let server: StorageServer
    do {
      server = try StorageServer(
        on: socket.descriptor, store, offering: studies, log: log)
    } catch let error as MissingLibrary {
      throw ServingError.missingLibrary(error.name, package: "libnghttp2-14")
    }
    let service = Service(
      server: server, address: socket.address, isOpen: !socket.isLoopback)
    _ = socket.take()
    return service
  }
}
