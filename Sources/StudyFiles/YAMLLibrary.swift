internal import CYAML

/// The YAML library that reads study files.
package enum YAMLLibrary {
  /// Its version, such as `0.2.5`.
  package static var version: String { unsafe String(cString: yaml_get_version_string()) }
}
