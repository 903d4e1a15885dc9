/// The version of the program.
package enum ToolVersion {
  /// The version, after semver.org.
  package static let text = "0.1.0"
}
