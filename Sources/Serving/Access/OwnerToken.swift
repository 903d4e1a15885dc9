/// The token by which a server knows the programs of the user who started it.
package struct OwnerToken: Sendable {
  /// The file that only that user can read.
  package let path: String
  private let hash: String

  /// Who registers workers with it.
  static let holder = "owner"

  /// - Throws: ``ServingError/missingLibrary(_:package:)``.
  package init(_ text: String, path: String) throws(ServingError) {
    self.path = path
    hash = try SecretHash.of(text)
  }

  /// Whether a request showed this token, in a time that does not tell where it differs.
  func isEqual(to text: String) -> Bool {
    do throws(ServingError) {
      return try SecretHash.areEqual(try SecretHash.of(text), hash)
    } catch {
      // Without the library this token could not have been made.
      return false
    }
  }
}
