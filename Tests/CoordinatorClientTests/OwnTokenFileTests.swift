import Foundation
import HTTPClient
import System
import Testing

@testable import CoordinatorClient

/// The file by which programs of one user know each other.
@Suite struct OwnTokenFileTests {
  /// A folder of the test's own, and the file below it.
  private func withFolder(_ body: (String, OwnTokenFile) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("needletail-token-\(UUID().uuidString)").resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
    try body(folder.path, OwnTokenFile { $0 == "XDG_STATE_HOME" ? "\(folder.path)/a/b" : nil })
  }

  private func refusal(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test func isMadeOnceAndOnlyForItsUser() throws {
    try withFolder { folder, file in
      #expect(try file.read() == nil)
      let token = try file.readOrMake()
      #expect(file.path == "\(folder)/a/b/needletail/token")
      #expect(token.hasPrefix("nt_") && token.utf8.count == 80)
      #expect(try file.read() == token)
      #expect(try file.readOrMake() == token)
      var facts = stat()
      #expect(stat(file.path, &facts) == 0)
      #expect(facts.st_mode & 0o777 == 0o600)
      for place in ["a", "a/b", "a/b/needletail"] {
        #expect(stat("\(folder)/\(place)", &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o700, "\(place)")
      }
      // No draft is left.
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/a/b/needletail") == ["token"]
      )
    }
  }

  @Test func isOneForManyWhoMakeIt() throws {
    try withFolder { _, file in
      let found = Lock<Set<String>>([])
      let threads = (0..<8).compactMap { _ in
        BlockingThread {
          let token = Result { try file.readOrMake() }
          found.withLock { _ = $0.insert("\(token)") }
        }
      }
      #expect(threads.count == 8)
      for thread in threads { thread.join() }
      #expect(found.withLock { $0.count } == 1)
    }
  }

  @Test func refusesWhatOthersMayKnowOrHaveMade() throws {
    try withFolder { folder, file in
      let token = try file.readOrMake()
      for mode: mode_t in [0o640, 0o604, 0o660, 0o777] {
        #expect(chmod(file.path, mode) == 0)
        #expect(refusal { _ = try file.read() }.contains("may be used by others"))
        #expect(refusal { _ = try file.readOrMake() }.contains("may be used by others"))
      }
      #expect(chmod(file.path, 0o600) == 0)
      #expect(try file.read() == token)
      #expect(chmod("\(folder)/a/b/needletail", 0o777) == 0)
      #expect(refusal { _ = try file.read() }.contains("others may write to"))
      #expect(chmod("\(folder)/a/b/needletail", 0o700) == 0)
      // A link to a file of this user is not followed either.
      #expect(rename(file.path, "\(folder)/elsewhere") == 0)
      #expect(symlink("\(folder)/elsewhere", file.path) == 0)
      #expect(refusal { _ = try file.read() }.contains("cannot be read"))
      #expect(unlink(file.path) == 0)
      #expect(mkdir(file.path, 0o700) == 0)
      #expect(refusal { _ = try file.read() }.contains("is no file"))
      #expect(rmdir(file.path) == 0)
      for text in ["", "nt_short", "password\n"] {
        #expect(FileManager.default.createFile(atPath: file.path, contents: Data(text.utf8)))
        #expect(chmod(file.path, 0o600) == 0)
        #expect(refusal { _ = try file.read() }.contains("holds no token"), "\(text)")
      }
    }
  }

  @Test func refusesAnotherUsersFile() throws {
    try withFolder { folder, file in
      _ = try file.readOrMake()
      // Only root can give a file away; for others, the folder of another user has to do.
      guard geteuid() == 0 else {
        let other = OwnTokenFile { $0 == "XDG_STATE_HOME" ? "/" : nil }
        #expect(refusal { _ = try other.readOrMake() }.contains("cannot be made"))
        return
      }
      #expect(chown(file.path, 12_345, 12_345) == 0)
      #expect(refusal { _ = try file.read() }.contains("belongs to another user (12345)"))
      #expect(chown(file.path, 0, 0) == 0)
      #expect(chown("\(folder)/a/b/needletail", 12_345, 12_345) == 0)
      #expect(refusal { _ = try file.read() }.contains("others may write to"))
    }
  }

  @Test func findsItsPlace() {
    func place(_ environment: [String: String]) -> String { StateFolder.path { environment[$0] } }
    #expect(place(["XDG_STATE_HOME": "/s", "HOME": "/h"]) == "/s/needletail")
    #expect(place(["XDG_STATE_HOME": "relative", "HOME": "/h"]) == "/h/.local/state/needletail")
    #expect(place(["HOME": ""]) == place([:]))
    // Without a home in the environment, the system knows one, or there is a folder for the user.
    let listed = getpwuid(getuid()).map { String(cString: $0.pointee.pw_dir) }
    let expected = listed.map { "\($0)/.local/state/needletail" } ?? "/tmp/needletail-\(getuid())"
    #expect(place([:]) == expected)
  }

  /// A coordinator that starts between the look at its port and the connection is not asked without
  /// the token: its refusal would end a worker that waited for it.
  @Test func isShownToACoordinatorThatStartsMeanwhile() throws {
    try withFolder { folder, file in
      // Nothing listens on port 0, ever.
      let address = try CoordinatorAddress("http://127.0.0.1:1")
      var credentials = try Credentials(token: nil)
      try credentials.addOwnToken(for: address) {
        $0 == "XDG_STATE_HOME" ? "\(folder)/a/b" : nil
      }
      let before = try credentials.settings(agent: "test", port: 0)
      #expect(before.headers.isEmpty)
      let mayConnect = try #require(before.mayConnect)
      #expect(mayConnect())
      let token = try file.readOrMake()
      #expect(!mayConnect())
      let after = try credentials.settings(agent: "test", port: 0)
      #expect(after.headers == ["Authorization: Bearer \(token)"])
      #expect(after.mayConnect?() == true)
    }
  }

  /// The kernel's table: who listens on which port, beside what is only connected.
  @Test func readsWhoListens() {
    let table = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 0100007F:1DE6 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1
         1: 0100007F:1DE6 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1001        0 2 1
         2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1
      """
    #expect(Listeners.owners(of: 7_654, in: table) == [1_000])
    #expect(Listeners.owners(of: 22, in: table) == [0])
    #expect(Listeners.owners(of: 40_000, in: table).isEmpty)
    #expect(Listeners.owners(of: 7_654, in: "").isEmpty)
  }
}
