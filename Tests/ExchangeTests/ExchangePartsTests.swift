import JSON
import StudyModel
import System
import Testing

@testable import Exchange

@Suite struct RunNamesTests {
  @Test(arguments: [
    ("learning_rate", "learning_rate"), ("model/width", "model/width"), ("a b:c-d.e", "a b:c-d.e"),
    ("why? \u{E4}", "why_ \u{E4}"), ("", "_"), (".", "_"), ("..", "_."), ("../up", "_./up"),
    ("/root", "_root"), ("a//b", "a__b"), ("a/../b", "a_.._b"), (".hidden", "_hidden"),
    ("<script>", "_script_"), ("\u{202E}x", "_x"),
  ])
  func cleansNames(name: String, key: String) {
    var names = RunNames()
    #expect(names.key(of: name) == key)
    #expect(names.key(of: name) == key, "a name keeps its key")
  }

  @Test func keepsKeysApart() {
    var names = RunNames()
    let keys = ["a", "a/b", "a_b", "A", "x/y/z", "x/y", "a?", "a!"].map { names.key(of: $0) }
    #expect(keys == ["a", "a_b", "a_b_2", "A_2", "x/y/z", "x_y", "a_", "a__2"])
    #expect(names.changedCount == 6)
  }

  @Test func keepsTheLimit() {
    var names = RunNames()
    let long = String(repeating: "\u{4E2D}", count: 400)
    let keys = ["1", "2", "3"].map { names.key(of: long + $0) }
    #expect(Set(keys).count == 3)
    for key in keys { #expect(key.unicodeScalars.count <= 250 && key.utf8.count <= 255) }
  }
}

@Suite struct StableHashTests {
  /// FNV-1a of 128 bits of "a\u{FF}", computed with Python's integers:
  /// h = 0x6c62272e07bb014262b821756295c58d; for b in b"a\xff": h = (h ^ b) * (2**88 + 0x13b) %
  /// 2**128
  @Test func isTheSameEverywhere() {
    #expect(StableHash.text("a") == "0880954550ab1be95aa0733055b751b9")
    #expect(StableHash.text("a", "b") != StableHash.text("ab"))
  }
}

@Suite struct MLflowCredentialsTests {
  @Test func readsTheClientsVariables() throws {
    // From RFC 7617, §2.
    let both = [
      "MLFLOW_TRACKING_USERNAME": "Aladdin", "MLFLOW_TRACKING_PASSWORD": "open sesame",
      "MLFLOW_TRACKING_TOKEN": "t",
    ]
    let basic = try MLflowCredentials { both[$0] }
    #expect(basic.authorization == "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    let token = try MLflowCredentials { $0 == "MLFLOW_TRACKING_TOKEN" ? "t" : nil }
    #expect(token.authorization == "Authorization: Bearer t")
    #expect(try MLflowCredentials { _ in nil }.authorization == nil)
    for bad in ["a b", "a\r\nX: 1"] {
      #expect(throws: ExchangeError.self) {
        try MLflowCredentials { $0 == "MLFLOW_TRACKING_TOKEN" ? bad : nil }
      }
    }
    #expect(throws: ExchangeError.plainText(address: "http://host.example:80")) {
      try MLflowServer("http://host.example", token, version: "0")
    }
  }

  /// RFC 4648, §10.
  @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
  func encodesBase64(text: String, code: String) {
    #expect(MLflowCredentials.base64(Array(text.utf8)) == code)
  }
}

@Suite struct BatchTests {
  @Test func keepsMLflowsLimits() {
    var batch = Batch()
    let entry = RunRecord.Entry(key: "k", value: "v").json
    let entries = (0..<101).map { _ in batch.take(entry, as: .params) }
    #expect(entries.firstIndex(of: false) == 100)
    let point = RunRecord.Point(key: "m", value: .nan, step: 1, time: 2).json
    let points = (0..<901).map { _ in batch.take(point, as: .metrics) }
    #expect(points.firstIndex(of: false) == 900, "1,000 entries in all")
    var large = Batch()
    let text = RunRecord.Entry(key: "k", value: String(repeating: "\u{4E2D}", count: 6_000)).json
    while large.take(text, as: .tags) {}
    #expect(large.json("r").bytes().count < 1_000_000)
  }
}

@Suite struct QuotedTextTests {
  @Test func escapesWhatYAMLDoesNotTake() {
    #expect(
      MLflowFolder.quoted("a\"b\\c\n\u{85}\u{2028}\u{E4}")
        == #""a\"b\\c\U0000000a\U00000085\U00002028\#u{E4}""#)
  }
}
