import Foundation
import Stores
import StudyModel
import System
import Testing

@testable import SQLiteStores

/// Processes that are stopped, by Ctrl-Z or SIGSTOP, while others wait for them.
@Suite(.serialized) struct QueueTests {
  private final class Notices: Sendable {
    private let texts = Lock<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
  }

  /// The time that a holder is stopped does not count, each is named once, and one that runs is
  /// waited for until the time is up.
  @Test func countsThePatience() {
    var patience = LockPatience(seconds: 10, location: "x", now: 0)
    let stopped = LockHolder(process: 7, name: "a", isStopped: true)
    let running = LockHolder(process: 7, name: "a", isStopped: false)
    var looks = 0
    func goesOn(_ now: Double, _ holder: LockHolder) -> Bool {
      patience.goesOn(at: now) {
        looks += 1
        return [holder]
      }
    }
    let inTime = goesOn(1.9, stopped)
    #expect(inTime && looks == 0)
    for second in 2..<200 {
      let isPatient = goesOn(Double(second), stopped)
      #expect(isPatient)
    }
    #expect(looks == 198)
    let isPatient = goesOn(208.9, running)
    let isOver = !goesOn(209.1, running)
    #expect(isPatient && isOver)
    #expect(patience.pause(at: 209.1) == 0)
  }

  /// Who waits for a process that is stopped in its turn says which one it is, and goes on when
  /// that does.
  @Test func namesTheStoppedHolder() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("study.db")
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let holder = try Child(Child.storeWorker, ["hold", path, "s", "w"], in: folder)
    #expect(try holder.readLine() == "held")
    holder.send(SIGSTOP)
    try eventually("it does not stop") { holder.isStopped }
    let notices = Notices()
    StoreNotice.listen { text in
      notices.add(text)
      holder.send(SIGCONT)
      // The end of its input ends its turn.
      try? holder.go()
    }
    defer { StoreNotice.listen(nil) }
    try store.setNote("file", to: "x", of: study)
    let process = holder.process.processIdentifier
    #expect(notices.all.count == 1, "\(notices.all)")
    #expect(notices.all.first?.contains("kill -CONT \(process)") ?? false, "\(notices.all)")
    #expect(notices.all.first?.contains("(StoreWorker)") ?? false, "\(notices.all)")
    _ = try holder.finish()
    #expect(try store.note("file", of: study) == "x")
  }

  /// A program of another kind that is stopped in the middle of a change is named too.
  @Test func namesAStoppedWriter() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("study.db")
    let store = try SQLiteStudyStore(path: path)
    let study = try store.createStudy(named: "s", directions: [.minimize])
    let writer = try Child("/usr/bin/env", ["sqlite3", path], in: folder)
    try writer.say("BEGIN IMMEDIATE; UPDATE studies SET study_name = study_name; SELECT 1;")
    #expect(try writer.readLine() == "1")
    writer.send(SIGSTOP)
    try eventually("it does not stop") { writer.isStopped }
    let notices = Notices()
    StoreNotice.listen { text in
      notices.add(text)
      writer.send(SIGCONT)
      try? writer.say("COMMIT;")
      try? writer.go()
    }
    defer { StoreNotice.listen(nil) }
    try store.setNote("file", to: "x", of: study)
    #expect(
      notices.all.first?.contains("process \(writer.process.processIdentifier) (sqlite3)") ?? false,
      "\(notices.all)")
    _ = try writer.finish()
  }

  /// Ctrl-Z, which may come at any moment, leaves the turn to others: whenever it has stopped the
  /// process, the turn is free.
  @Test func stopsBehindItsTurn() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("study.db")
    do {
      let store = try SQLiteStudyStore(path: path)
      _ = try store.createStudy(named: "s", directions: [.minimize])
    }
    let writer = try Child(Child.storeWorker, ["fill", path, "s", "w"], in: folder)
    let queue = try QueueLock(path: path + "-lock", location: path)
    _ = try writer.readLine()
    for round in 0..<60 {
      if round % 3 == 0 { _ = try writer.readLine() }
      writer.send(SIGTSTP)
      try eventually("round \(round): it does not stop") { writer.isStopped }
      do {
        try queue.lock(seconds: 0)
        queue.unlock()
      } catch {
        Issue.record("round \(round): it was stopped in its turn")
      }
      writer.send(SIGCONT)
      // It goes on.
      _ = try writer.readLine()
    }
    _ = try writer.killed()
    #expect(try Shell.sqlite(path, "PRAGMA integrity_check") == "ok")
  }
}
