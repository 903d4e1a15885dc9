internal import System

/// The desktop's own way to show files and pages.
enum Opener {
  /// Hands a file or an address to the desktop's program for it.
  ///
  /// - Parameter place: A path or an address; must not begin with a dash.
  /// - Throws: ``CommandError`` when there is no such program, or when it could not.
  static func open(_ place: String) throws {
    let opener = Host.opener
    let words: [UnsafeMutablePointer<CChar>?] = [strdup(opener), strdup(place), nil]
    defer { for word in words { free(word) } }
    let isAddress = place.hasPrefix("http")
    let ready = isAddress ? "\(place) is served" : "\(place.printable) is written"
    var child: pid_t = 0
    let code = posix_spawnp(&child, opener, nil, nil, words, environ)
    guard code == 0 else {
      throw CommandError.other(
        "\(ready), but \(opener) cannot be started "
          + "(\(String(cString: strerror(code)).lowercased())); open it yourself")
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    guard status == 0 else {
      throw CommandError.other("\(ready), but \(opener) could not open it; open it yourself")
    }
  }
}
