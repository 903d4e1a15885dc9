internal import CoordinatorClient
internal import Stores
internal import Studies

/// Where a verb finds a study: in a store, or at a coordinator that has it.
struct StudyPlace: Sendable {
  /// What a verb's description lists.
  static let options: [VerbDescription.Option] =
    [
      .store,
      .init(
        name: "--to", placeholder: "URL",
        help: "The address of a coordinator that has the study, instead of a store."),
      .json,
    ] + CoordinatorOptions.all

  /// What `--store` says; nil without it.
  let storeOption: String?
  private let url: String?
  private let coordinator: CoordinatorOptions

  init(_ arguments: inout ArgumentScanner) throws(UsageError) {
    storeOption = arguments.value("--store")
    url = arguments.value("--to")
    coordinator = try CoordinatorOptions(&arguments)
    if storeOption != nil, url != nil {
      throw .conflict("--store and --to exclude each other; remove one")
    }
  }

  /// Whether a coordinator was named.
  var isCoordinator: Bool { url != nil }

  /// A client of the coordinator that was named; nil where it is a store.
  func client(_ context: Context) throws(CoordinatorError) -> CoordinatorClient? {
    guard let url else { return nil }
    return try coordinator.client(url, environment: context.environment)
  }

  /// The store that was named.
  func selection(_ context: Context) throws(StoreError) -> StoreSelection {
    try StoreSelection(option: storeOption, environment: context.environment)
  }

  /// A study of the store that was named, which has to exist.
  func study(_ name: String, _ context: Context) throws -> StoredStudy {
    try StoredStudy.load(name, in: try selection(context).openExisting())
  }
}
