import Foundation
import JSON
import Stores
import StudyModel
import Testing

@testable import SQLiteStores

/// The write-ahead log is moved into the file again and again while the store is used.
@Suite struct CheckpointTests {
  /// What the log may hold at any time, in bytes.
  static let bound = 16 << 20

  @Test func theLogStaysShort() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/study.db"
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let template = Trial(TrialReference(id: 0, number: 0), state: .running)
    let (trial, _) = try store.createTrial(template, in: study, lease: nil)
    var (longest, written) = (0, 0)
    for round in 0..<600 {
      let text = String(repeating: "\(round % 10)", count: 100_000)
      let change = TrialChange(trial, .userAttributeSet(Attribute("text", .string(text))))
      try store.commit([change], to: study, under: [], durability: .process)
      written += text.utf8.count
      longest = max(longest, try size(of: path + "-wal"))
    }
    #expect(written > 3 * Self.bound)
    #expect(longest < Self.bound)
    #expect(longest > 1 << 20, "the log was watched")
  }

  private func size(of path: String) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
  }
}
