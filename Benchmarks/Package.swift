// swift-tools-version: 6.2
import PackageDescription

let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]
let needletail: Target.Dependency = .product(name: "Needletail", package: "needletail")

let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "needletail", path: "..")],
  targets: [
    // What the programs share: search spaces, statistics, arguments, the line of the results.
    .target(
      name: "BenchmarkSupport", dependencies: [needletail], path: "Sources/BenchmarkSupport",
      swiftSettings: house),
    .executableTarget(
      name: "sampler-ask", dependencies: ["BenchmarkSupport", needletail],
      path: "Sources/sampler-ask", swiftSettings: house),
    .executableTarget(
      name: "problems", dependencies: ["BenchmarkSupport", needletail], path: "Sources/problems",
      swiftSettings: house),
    .executableTarget(
      name: "storage", dependencies: ["BenchmarkSupport", needletail], path: "Sources/storage",
      swiftSettings: house),
    .executableTarget(
      name: "coordinator", dependencies: ["BenchmarkSupport", needletail],
      path: "Sources/coordinator", swiftSettings: house),
    .executableTarget(
      name: "whole-study", dependencies: ["BenchmarkSupport", needletail],
      path: "Sources/whole-study", swiftSettings: house),
  ]
)
