/// The version of what is built from this package: the command, the library, and what either says
/// of itself over the network.
package enum Release {
  /// The version, after semver.org; CHANGELOG.md has a section for it.
  package static let version = "0.2.0"
}
