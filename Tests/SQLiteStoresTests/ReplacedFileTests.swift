import Foundation
import Stores
import StudyModel
import Testing

@testable import SQLiteStores

/// Files that are deleted or replaced under a store: the next change is refused with a sentence,
/// and what lies at the path then is left alone.
@Suite struct ReplacedFileTests {
  /// What is done to the store's files while it is open.
  enum Mishap: String, CaseIterable, Sendable {
    case delete, deleteAll, replace, replaceByAStore, moveAway, deleteLog, replaceLog
  }

  private func strike(_ mishap: Mishap, _ path: String, _ folder: TemporaryFolder) throws {
    let files = FileManager.default
    switch mishap {
    case .delete: try files.removeItem(atPath: path)
    case .deleteAll:
      for ending in ["", "-wal", "-shm", "-lock"] { try files.removeItem(atPath: path + ending) }
    case .replace:
      let other = folder.file("other")
      try Data("hello".utf8).write(to: URL(fileURLWithPath: other))
      #expect(rename(other, path) == 0)
    case .replaceByAStore:
      let other = folder.file("other.db")
      do {
        let store = try SQLiteStudyStore(path: other)
        _ = try store.createStudy(named: "t", directions: [.maximize])
      }
      #expect(rename(other, path) == 0)
    case .moveAway: #expect(rename(path, folder.file("moved.db")) == 0)
    case .deleteLog: try files.removeItem(atPath: path + "-wal")
    case .replaceLog:
      let other = folder.file("other-wal")
      try files.copyItem(atPath: path + "-wal", toPath: other)
      #expect(rename(other, path + "-wal") == 0)
    }
  }

  @Test(arguments: Mishap.allCases) func isNoticedAtTheNextWrite(_ mishap: Mishap) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("study.db")
    do {
      let store = try SQLiteStudyStore(path: path)
      let study = try store.createStudy(named: "s", directions: [.minimize])
      try store.setNote("file", to: "x", of: study)
      try strike(mishap, path, folder)
      for _ in 0..<2 {
        do {
          try store.setNote("file", to: "y", of: study)
          Issue.record("\(mishap) went unnoticed")
        } catch {
          guard case .replaced(path, _) = error else {
            Issue.record("\(error)")
            return
          }
          #expect(error.description.contains(path) && !error.description.contains("\n"))
          #expect(!error.isTransient)
        }
      }
      #expect(throws: StoreError.self) { try store.synchronize() }
    }
    // Closing has touched nothing that lies at the path now.
    switch mishap {
    case .delete, .deleteAll, .moveAway: #expect(!FileManager.default.fileExists(atPath: path))
    case .replace:
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("hello".utf8))
    case .replaceByAStore:
      #expect(try Shell.sqlite(path, "SELECT study_name FROM studies") == "t")
    case .deleteLog: break
    case .replaceLog: #expect(FileManager.default.fileExists(atPath: path + "-wal"))
    }
  }

  /// A new store at the path of one that is open still keeps its log when the old one is closed.
  @Test func leavesItsSuccessorAlone() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("study.db")
    var old: SQLiteStudyStore? = try SQLiteStudyStore(path: path)
    let study = try #require(try old?.createStudy(named: "s", directions: [.minimize]))
    try strike(.deleteAll, path, folder)
    let new = try SQLiteStudyStore(path: path)
    let successor = try new.createStudy(named: "t", directions: [.minimize])
    #expect(throws: StoreError.self) { try old?.setNote("file", to: "y", of: study) }
    old = nil
    try new.setNote("file", to: "z", of: successor)
    #expect(FileManager.default.fileExists(atPath: path + "-wal"))
    #expect(try Shell.sqlite(path, "SELECT text FROM needletail_notes") == "z")
    #expect(try Shell.sqlite(path, "PRAGMA integrity_check") == "ok")
  }

  /// A disk that did not confirm once is not believed again, until the store is opened anew.
  @Test func believesNoDiskThatFailed() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("study.db")
    let failing = DiskSync(path: "/dev/null", location: "x")
    for _ in 0..<2 { #expect(throws: StoreError.self) { try failing.sync() } }
    #expect(failing.failure != nil)
    do {
      let store = try SQLiteStudyStore(path: path)
      let study = try store.createStudy(named: "s", directions: [.minimize])
      store.writer.distrustDisk(.io(location: path, problem: "the disk did not confirm"))
      #expect(throws: StoreError.self) { try store.setNote("file", to: "y", of: study) }
      #expect(throws: StoreError.self) { try store.synchronize() }
      #expect(try store.studies() == [study])
    }
    // The log was not folded from what may be memory alone.
    #expect(FileManager.default.fileExists(atPath: path + "-wal"))
    let store = try SQLiteStudyStore(path: path)
    try store.setNote("file", to: "z", of: try store.study(named: "s"))
  }
}
