import HTTPClient
import Testing

@testable import CoordinatorClient

@Suite struct CoordinatorAddressTests {
  @Test(
    arguments: [
      ("http://127.0.0.1:7654", "http://127.0.0.1:7654", "127.0.0.1", true, false),
      ("http://localhost", "http://localhost:7654", "localhost", true, false),
      ("HTTPS://tuning.example:443/", "https://tuning.example:443", "tuning.example", false, true),
      ("https://[::1]:8000/path/", "https://[::1]:8000/path", "::1", true, true),
      ("http://[fe80::2]", "http://[fe80::2]:7654", "fe80::2", false, false),
      (
        "http://127.0.0.1.example.org", "http://127.0.0.1.example.org:7654",
        "127.0.0.1.example.org", false, false
      ),
    ])
  func readsAddresses(
    text: String, full: String, host: String, isLoopback: Bool, usesTLS: Bool
  ) throws {
    let address = try CoordinatorAddress(text)
    #expect(address.text == full)
    #expect(address.host == host)
    #expect(address.isLoopback == isLoopback)
    #expect(address.usesTLS == usesTLS)
  }

  @Test(
    arguments: [
      ("host:7654", "needs http:// or https://"), ("ftp://host", "only http:// and https://"),
      ("http://", "the host is missing"), ("http://host:0", "a number from 1 to 65535"),
      ("http://host:70000", "a number from 1 to 65535"), ("http://host:", "a number from 1"),
      ("http://ho st", "a space"), ("http://host/?a=b", "leave out what follows"),
      ("http://[::1", "the ] of [host]"), ("http://h\u{F6}st", "another character"),
    ])
  func refusesOthers(text: String, words: String) throws {
    let error = try #require(throws: CoordinatorError.self) { try CoordinatorAddress(text) }
    #expect("\(error)".contains(words), "\(error)")
  }

  /// Command lines can be read by everybody, and errors end up in logs.
  @Test func neverRepeatsAPassword() throws {
    let error = try #require(throws: CoordinatorError.self) {
      try CoordinatorAddress("http://user:secret@host")
    }
    #expect("\(error)".contains("NEEDLETAIL_TOKEN"))
    #expect(!"\(error)".contains("secret"))
  }

  @Test func escapesNamesInPaths() {
    #expect(WebAddress.escaped("a b/c?d#\u{E9}") == "a%20b%2Fc%3Fd%23%C3%A9")
    #expect(WebAddress.escaped("A-z_0.9~") == "A-z_0.9~")
    #expect(WebAddress.escaped("..") == "%2E%2E")
  }

  @Test func sendsNoTokenInPlainTextToOthers() throws {
    let credentials = try Credentials(token: " abc\n")
    #expect(throws: CoordinatorError.plainText(address: "http://host.example:7654")) {
      try CoordinatorClient(
        CoordinatorAddress("http://host.example"), credentials, version: "0")
    }
    for url in ["http://127.0.0.1", "https://host.example"] {
      _ = try CoordinatorClient(CoordinatorAddress(url), credentials, version: "0")
    }
    var insecure = credentials
    insecure.isInsecure = true
    _ = try CoordinatorClient(CoordinatorAddress("http://host.example"), insecure, version: "0")
  }

  @Test func refusesTokensThatNoHeaderHolds() {
    for token in ["a b", "a\r\nX-Evil: 1", "\u{E9}"] {
      #expect(throws: CoordinatorError.self) { try Credentials(token: token) }
    }
  }
}
