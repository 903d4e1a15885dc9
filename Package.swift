// swift-tools-version: 6.2
import PackageDescription

/// What every target is compiled with.
let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]
/// What a target that calls C is compiled with in addition.
let callsC: [SwiftSetting] = house + [.strictMemorySafety()]
/// What a target that computes is compiled with in addition where `make` builds: optimization in
/// debug builds too, since the tests spend a third of their processor time there. Only there,
/// because a package with unsafe flags is refused as a dependency.
let computes: [SwiftSetting] =
  Context.environment["NEEDLETAIL_OPTIMIZE"] == "1"
  ? [.unsafeFlags(["-O"], .when(configuration: .debug))] : []

let package = Package(
  name: "needletail",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Needletail", targets: ["Needletail"]),
    // libneedletail.so, for other languages: Sources/CInterface/needletail.h.
    .library(name: "needletail-c", type: .dynamic, targets: ["CInterface"]),
    .executable(name: "needletail", targets: ["NeedletailCommand"]),
  ],
  targets: [
    // C libraries: a module map and a shim each, one importer each.
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev", "liblapacke-dev"]), .brew(["openblas"])]),
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
    .systemLibrary(
      name: "CYAML", pkgConfig: "yaml-0.1",
      providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
    .systemLibrary(
      name: "CPCRE2", pkgConfig: "libpcre2-8",
      providers: [.apt(["libpcre2-dev"]), .brew(["pcre2"])]),
    // Opened when a picture is written, not linked: see its shim.
    .systemLibrary(
      name: "CRSVG", providers: [.apt(["librsvg2-2", "fonts-dejavu-core"]), .brew(["librsvg"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    // Opened when the first message is signed, not linked.
    .systemLibrary(
      name: "CGnuTLS", providers: [.apt(["libgnutls28-dev"]), .brew(["gnutls"])]),
    // Opened at the first request, not linked: see its shim.
    .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
    // Opened when a server starts, not linked.
    .systemLibrary(
      name: "CMicroHTTPD",
      providers: [.apt(["libmicrohttpd-dev", "libgnutls28-dev"]), .brew(["libmicrohttpd"])]),
    // Opened when Optuna's storage service starts, not linked.
    .systemLibrary(
      name: "CHTTP2", providers: [.apt(["libnghttp2-dev"]), .brew(["libnghttp2"])]),
    // Opened at the first PostgreSQL store, not linked.
    .systemLibrary(name: "CPostgres", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
    // No library: declarations of the C library's own functions that the importer does not see.
    .systemLibrary(name: "CSystem"),

    // The house, bottom up: a target imports only what stands above it here.
    .target(name: "System", dependencies: ["CSystem"], swiftSettings: callsC + computes),
    .target(
      name: "LinearAlgebra", dependencies: ["System", "COpenBLAS"], swiftSettings: callsC + computes
    ),
    .target(name: "Probability", dependencies: ["System"], swiftSettings: house + computes),
    .target(name: "JSON", swiftSettings: house),
    .target(name: "StudyModel", dependencies: ["System", "JSON"], swiftSettings: house + computes),
    .target(name: "Trials", dependencies: ["System", "StudyModel"], swiftSettings: house),
    .target(name: "Stores", dependencies: ["System", "JSON", "StudyModel"], swiftSettings: house),
    .target(
      name: "Samplers",
      dependencies: ["JSON", "System", "StudyModel", "Probability", "LinearAlgebra"],
      swiftSettings: house + computes),
    .target(
      name: "Pruners", dependencies: ["System", "StudyModel", "Probability"],
      swiftSettings: house + computes),
    .target(
      name: "SQLiteStores", dependencies: ["JSON", "Stores", "System", "StudyModel", "CSQLite"],
      swiftSettings: callsC),
    .target(
      name: "PostgresStores",
      dependencies: ["JSON", "Stores", "System", "StudyModel", "CPostgres"],
      swiftSettings: callsC),
    .target(
      name: "Coordination",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "StudyModel", "Probability", "Samplers", "Pruners",
      ],
      swiftSettings: house),
    .target(
      name: "Messages",
      dependencies: ["JSON", "Trials", "Stores", "System", "StudyModel"], swiftSettings: house),
    .target(
      name: "Analysis", dependencies: ["System", "JSON", "StudyModel", "Probability", "Samplers"],
      swiftSettings: house + computes),
    .target(
      name: "HTTPClient", dependencies: ["System", "CCurl", "CGnuTLS"], swiftSettings: callsC),
    .target(
      name: "CoordinatorClient",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "StudyModel", "Messages", "HTTPClient",
      ],
      swiftSettings: callsC),
    .target(
      name: "Plotting",
      dependencies: ["JSON", "Stores", "System", "StudyModel", "Analysis", "CRSVG"],
      resources: [.embedInCode("Assets/figure.js")], swiftSettings: callsC),
    .target(
      name: "StudyFiles",
      dependencies: ["JSON", "System", "StudyModel", "Samplers", "Pruners", "CPCRE2", "CYAML"],
      swiftSettings: callsC),
    .target(
      name: "Studies",
      dependencies: [
        "JSON", "Trials", "Stores", "StudyModel", "Samplers", "Pruners", "Coordination",
        "StudyFiles",
      ],
      swiftSettings: house),
    .target(
      name: "Exchange",
      dependencies: ["JSON", "System", "StudyModel", "HTTPClient", "StudyFiles"],
      swiftSettings: callsC),
    .target(
      name: "Needletail",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "StudyModel", "Samplers", "Pruners", "SQLiteStores",
        "PostgresStores", "Coordination", "Messages", "CoordinatorClient", "Studies", "Analysis",
        "Plotting",
      ],
      swiftSettings: house),
    .target(
      name: "OptunaService", dependencies: ["JSON", "System", "Stores", "StudyModel", "CHTTP2"],
      swiftSettings: callsC),
    .target(
      name: "CInterface",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "StudyModel", "Messages", "CoordinatorClient",
        "StudyFiles", "Plotting", "Needletail", "OptunaService",
      ],
      exclude: ["needletail.h"], swiftSettings: callsC),
    .target(name: "Launching", dependencies: ["System"], swiftSettings: callsC),
    .target(
      name: "Objectives",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "StudyModel", "HTTPClient", "StudyFiles", "Launching",
      ],
      resources: [
        .embedInCode("Python/needletail.py"), .embedInCode("Python/StandIns/clearml.py"),
        .embedInCode("Python/StandIns/comet_ml.py"), .embedInCode("Python/StandIns/determined.py"),
        .embedInCode("Python/StandIns/hydra.py"), .embedInCode("Python/StandIns/hypertune.py"),
        .embedInCode("Python/StandIns/mlflow.py"),
        .embedInCode("Python/StandIns/needletail_stand_in.py"),
        .embedInCode("Python/StandIns/nni.py"), .embedInCode("Python/StandIns/orion.py"),
        .embedInCode("Python/StandIns/polyaxon.py"),
        .embedInCode("Python/StandIns/ray.py"), .embedInCode("Python/StandIns/sigopt.py"),
        .embedInCode("Python/StandIns/wandb.py"),
      ],
      swiftSettings: callsC),
    .target(
      name: "Working",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "StudyModel", "Coordination", "Messages",
        "HTTPClient",
        "CoordinatorClient", "StudyFiles", "Studies", "Objectives", "Launching",
      ],
      swiftSettings: callsC),
    .target(
      name: "Dashboard", dependencies: ["JSON", "System", "StudyModel", "Plotting"],
      resources: [
        .embedInCode("Assets/index.html"), .embedInCode("Assets/app.css"),
        .embedInCode("Assets/icon.svg"), .embedInCode("Assets/api.js"),
        .embedInCode("Assets/app.js"), .embedInCode("Assets/chart.js"),
        .embedInCode("Assets/compare.js"), .embedInCode("Assets/dom.js"),
        .embedInCode("Assets/figures.js"), .embedInCode("Assets/study.js"),
        .embedInCode("Assets/studies.js"), .embedInCode("Assets/table.js"),
        .embedInCode("Assets/trial.js"), .embedInCode("Assets/workers.js"),
      ], swiftSettings: house),
    .target(
      name: "Serving",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "StudyModel", "Coordination", "Messages", "Analysis",
        "Plotting", "StudyFiles", "Studies", "Objectives", "Dashboard", "CMicroHTTPD",
      ],
      resources: [.embedInCode("openapi.json")], swiftSettings: callsC),
    .target(
      name: "CommandLineTool",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "LinearAlgebra", "StudyModel", "Samplers", "Pruners",
        "SQLiteStores",
        "Coordination", "Plotting", "StudyFiles", "Studies", "HTTPClient", "Exchange", "Objectives",
        "Working", "Messages", "Serving", "CoordinatorClient", "PostgresStores", "Launching",
        "Analysis", "OptunaService",
      ],
      swiftSettings: house),
    .executableTarget(
      name: "NeedletailCommand", dependencies: ["System", "CommandLineTool"], swiftSettings: house),
    .target(
      name: "Conformance",
      dependencies: ["JSON", "Stores", "StudyModel", "Probability", "Samplers", "Pruners"],
      path: "Tests/Conformance",
      swiftSettings: house + computes),

    // An objective to tune, see Studies/digits; no part of the library or the command.
    .executableTarget(
      name: "digits", dependencies: ["System", "LinearAlgebra", "Probability", "CZlib"],
      path: "Studies/digits/Sources", swiftSettings: callsC),
    .testTarget(
      name: "DigitsTests", dependencies: ["digits", "LinearAlgebra", "Probability"],
      path: "Studies/digits/Tests", swiftSettings: house),

    .testTarget(
      name: "ProbabilityTests", dependencies: ["JSON", "Probability", "StudyModel"],
      exclude: ["Fixtures"],
      swiftSettings: house),
    .testTarget(
      name: "StudyModelTests", dependencies: ["JSON", "StudyModel", "Probability"],
      exclude: ["Fixtures"], swiftSettings: house),
    .testTarget(
      name: "LinearAlgebraTests", dependencies: ["LinearAlgebra", "Probability"],
      exclude: ["Fixtures"], swiftSettings: house),
    .testTarget(
      name: "SamplersTests",
      dependencies: [
        "JSON", "Samplers", "StudyModel", "Probability", "LinearAlgebra", "Conformance",
        "System",
      ],
      exclude: ["Fixtures"], swiftSettings: house),
    .testTarget(
      name: "PrunersTests",
      dependencies: ["JSON", "Pruners", "StudyModel", "Probability", "Conformance"],
      exclude: ["Fixtures"], swiftSettings: house),
    .executableTarget(
      name: "StoreWorker",
      dependencies: ["System", "JSON", "Stores", "SQLiteStores", "PostgresStores", "StudyModel"],
      path: "Tests/StoreWorker", swiftSettings: house),
    // A throw-away PostgreSQL server for whatever test needs one.
    .target(
      name: "PostgresTesting", path: "Tests/PostgresTesting", exclude: ["postgres_server.py"],
      swiftSettings: house),
    .testTarget(
      name: "SQLiteStoresTests",
      dependencies: [
        "JSON", "Stores", "System", "SQLiteStores", "PostgresStores", "StudyModel", "Conformance",
        "CSQLite",
        "StoreWorker", "PostgresTesting",
      ],
      exclude: ["Optuna"], swiftSettings: house),
    .testTarget(
      name: "PostgresStoresTests",
      dependencies: [
        "JSON", "Stores", "System", "PostgresStores", "StudyModel", "PostgresTesting",
        "StoreWorker",
      ],
      swiftSettings: house),
    .testTarget(
      name: "CoordinationTests",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "Coordination", "StudyModel", "Probability",
        "Samplers", "Pruners", "SQLiteStores",
      ], swiftSettings: house),
    .testTarget(
      name: "MessagesTests", dependencies: ["JSON", "Messages", "StudyModel", "Trials"],
      swiftSettings: house),
    // Parsers of input from outside under a fuzzer, see `make fuzz`; the tests replay its corpus.
    .target(
      name: "FuzzTargets", dependencies: ["JSON", "Messages", "Objectives", "StudyModel"],
      path: "Tests/FuzzTargets", swiftSettings: house),
    .executableTarget(
      name: "Fuzzer", dependencies: ["System", "FuzzTargets"], path: "Tests/Fuzzer",
      swiftSettings: house),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzTargets"], exclude: ["Corpus"], swiftSettings: house),
    .testTarget(
      name: "AnalysisTests", dependencies: ["JSON", "Analysis", "StudyModel", "Probability"],
      exclude: ["Fixtures"], swiftSettings: house),
    .testTarget(
      name: "PlottingTests",
      dependencies: ["JSON", "Plotting", "Analysis", "StudyModel", "Probability"],
      exclude: ["Fixtures"], swiftSettings: house),
    .testTarget(
      name: "StudyFilesTests",
      dependencies: ["JSON", "StudyFiles", "StudyModel", "Samplers", "Pruners", "Probability"],
      exclude: ["Fixtures", "Sweeps"], swiftSettings: house),
    .testTarget(
      name: "StudiesTests",
      dependencies: [
        "JSON", "Trials", "Stores", "Studies", "StudyModel", "StudyFiles", "Coordination",
      ],
      swiftSettings: house),
    .testTarget(
      name: "ObjectivesTests",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "Objectives", "StudyModel", "StudyFiles",
      ],
      exclude: ["Fixtures"], swiftSettings: house),
    .testTarget(
      name: "NeedletailTests",
      dependencies: [
        "JSON", "Trials", "Stores", "System", "Samplers", "Pruners", "Coordination", "Studies",
        "CoordinatorClient", "Needletail", "Serving",
      ],
      swiftSettings: house),
    .testTarget(
      name: "CInterfaceTests",
      dependencies: ["CInterface", "NeedletailCommand", "PostgresTesting"],
      exclude: ["Programs"], swiftSettings: house),
    .testTarget(
      name: "DashboardTests", dependencies: ["JSON", "Dashboard", "StudyModel"],
      swiftSettings: house),
    .testTarget(
      name: "ServingTests",
      dependencies: [
        "JSON", "Stores", "System", "Serving", "StudyModel", "Messages", "Coordination",
        "StudyFiles", "SQLiteStores",
        "NeedletailCommand",
      ],
      exclude: ["Scripts"], swiftSettings: house),
    .testTarget(
      name: "OptunaServiceTests",
      dependencies: ["JSON", "OptunaService", "Stores", "StudyModel", "System"],
      swiftSettings: house),
    .testTarget(
      name: "CoordinatorClientTests",
      dependencies: ["JSON", "StudyModel", "System", "Trials", "HTTPClient", "CoordinatorClient"],
      swiftSettings: house),
    .testTarget(
      name: "WorkingTests", dependencies: ["JSON", "Messages", "StudyModel", "Trials", "Working"],
      swiftSettings: house),
    .testTarget(
      name: "CommandLineToolTests",
      dependencies: [
        "JSON", "System", "CommandLineTool", "StudyModel", "Messages", "NeedletailCommand",
        "digits",
        "PostgresTesting",
      ],
      exclude: [
        "drive_terminal.py", "escape.py", "scripted_coordinator.py", "Optuna", "MLflow", "Services",
        "StandIns",
      ],
      swiftSettings: house),
    .testTarget(
      name: "ExchangeTests", dependencies: ["JSON", "Exchange", "StudyModel", "System"],
      swiftSettings: house),
    .testTarget(name: "LaunchingTests", dependencies: ["Launching"], swiftSettings: house),
    // Scenarios with several machines, whose scripts are in Tests/Machines.
    .testTarget(
      name: "MachineTests", dependencies: ["NeedletailCommand", "digits"], swiftSettings: house),
  ]
)
