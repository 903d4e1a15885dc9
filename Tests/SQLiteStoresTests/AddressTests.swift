import Foundation
import Stores
import Testing

@testable import SQLiteStores

/// Addresses of files, as SQLAlchemy and so Optuna reads them.
@Suite struct AddressTests {
  /// Each text names the file that SQLAlchemy opens for it, or is refused with a sentence.
  @Test func agreesWithSQLAlchemy() throws {
    let folder = try TemporaryFolder()
    var texts: [String] = []
    for scheme in ["sqlite", "sqlite+pysqlite"] {
      for place in [
        "/s.db", "//abs/s.db", "/a/b%20c.db", "/100%25.db", "/a%zz%4.db", "/é%C3%A9.db", "/a+b.db",
        "/a#b.db", "/a&b=c.db", "/../s.db", "/a:b@c.db", "/a%3Fb.db", "/a%2Fb.db",
      ] {
        for query in [
          "", "?", "?timeout=60", "?timeout=60&check_same_thread=False",
          "?isolation_level=IMMEDIATE",
          "?mode=ro", "?uri=true&mode=ro", "?cache=shared&timeout=5", "?TIMEOUT=5",
        ] {
          texts.append(scheme + "://" + place + query)
        }
      }
    }
    texts += [
      "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://host/s.db", "sqlite://s.db",
    ]
    let script = """
      import os, sys, warnings
      from sqlalchemy.engine import make_url
      from sqlalchemy.dialects.sqlite.pysqlite import dialect
      warnings.simplefilter("ignore")
      for line in sys.argv[1:]:
          try:
              url = make_url(line)
              name = dialect().create_connect_args(url)[0][0]
              print(name if url.query.get("uri") or name == ":memory:" else os.path.relpath(name)
                    if not url.database.startswith("/") else name)
          except Exception:
              print("refused")
      """
    let lines = try Python.run(["-c", script] + texts, in: folder)
      .split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count >= texts.count)
    var refused = 0
    for (text, line) in zip(texts, lines) {
      do {
        let path = try #require(try SQLiteAddress(text)?.path)
        #expect(
          URL(fileURLWithPath: path).standardizedFileURL.path
            == URL(fileURLWithPath: String(line)).standardizedFileURL.path, "\(text)")
        #expect(!text.contains("mode=") && !text.contains("cache=") && !text.contains("TIMEOUT"))
      } catch let error as StoreError {
        refused += 1
        #expect(error.description.contains(text) || text.contains("?"), "\(error)")
        #expect(!error.description.contains("\n"))
      }
    }
    #expect(refused > 20)
  }

  @Test func readsPaths() throws {
    for path in ["s.db", "/abs/s.db", "a b%20c?.db", "sqlite.db", "s.db?timeout=60"] {
      #expect(try SQLiteAddress(path)?.path == path)
    }
    #expect(try SQLiteAddress("postgresql://host/db") == nil)
    #expect(try SQLiteAddress("mysql:///s.db") == nil)
    for text in [":memory:", "sqlite+aiosqlite:///s.db", "sqlite:///file:s.db?uri=true"] {
      #expect(throws: StoreError.self) { try SQLiteAddress(text) }
    }
  }

  /// Schemas of all Optuna versions before the tables of today are told how to be brought up to
  /// date; newer ones are not.
  @Test func namesTheUpgrade() {
    for found in [
      "v0.9.0.a", "v1.2.0.a", "v1.3.0.a", "v2.4.0.a", "v2.6.0.a", "v3.0.0.a", "v3.0.0.b",
      "v3.0.0.c",
      "v3.0.0.d", "11",
    ] {
      let text = StoreError.unsupportedSchema(location: "a.db", found: found).description
      #expect(text.contains("optuna storage upgrade --storage sqlite:///a.db"), "\(text)")
    }
    for found in ["v3.2.0.b", "v4.0.0.a", "13", "needletail 9", ""] {
      let text = StoreError.unsupportedSchema(location: "a.db", found: found).description
      #expect(!text.contains("upgrade"), "\(text)")
    }
  }
}
