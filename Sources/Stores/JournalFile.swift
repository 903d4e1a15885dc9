internal import JSON
internal import StudyModel
internal import System

/// The file in which Optuna's journal storage logs what is done to studies: an operation per line,
/// as JSON. It is only ever read here, also while Optuna goes on writing to it.
package struct JournalFile: Sendable {
  /// The file's path.
  package let path: String
  /// The most bytes that a line may have; one operation of a program that sets huge attributes is
  /// far from it.
  private static let longestLine = 64 << 20

  /// What a file holds, replayed.
  package struct Contents: Sendable {
    /// The studies, in the order they were created; nothing can be written to it.
    package let store: any StudyStore
    /// Whether its last line is not complete: a process was killed, or is just writing. Optuna
    /// leaves it out, too.
    package let isCut: Bool
  }

  /// The journal in that file; nil for a file of another kind, and where none is.
  package init?(_ path: String) {
    var facts = stat()
    // Opening a pipe would wait for its writer.
    guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var first: UInt8 = 0
    guard read(descriptor, &first, 1) == 1, first == UInt8(ascii: "{") else {
      // Kept open until the process ends: closing it would give up all locks that the process has
      // on the file, which is most likely a database that it has open.
      return nil
    }
    close(descriptor)
    self.path = path
  }

  /// Reads all operations that the file had when the call began, and does them.
  ///
  /// - Throws: ``StoreError`` for a line that is no operation of a journal, or one that this
  ///   version does not know.
  package func contents() throws(StoreError) -> Contents {
    var replay = JournalReplay(location: path)
    let isCut = try eachLine { (number, line) throws(StoreError) in
      try replay.apply(line, number: number)
    }
    let store = ReadOnlyStore(try replay.store(), refusal: .onlyRead(journal: path))
    return Contents(store: store, isCut: isCut)
  }

  /// Hands over the lines, counted from 1.
  ///
  /// - Returns: Whether the file ends in the middle of a line, which was left out. A last line that
  ///   is no JSON counts as such, since a file system may write its end before its middle.
  private func eachLine(
    _ body: (_ number: Int, _ line: JSONValue) throws(StoreError) -> Void
  ) throws(StoreError) -> Bool {
    guard let file = fopen(path, "re") else { throw failure(errno) }
    defer { fclose(file) }
    var facts = stat()
    guard fstat(fileno(file), &facts) == 0 else { throw failure(errno) }
    // What is appended from now on is not read.
    var rest = Int(facts.st_size)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var (line, number, fault) = ([] as [UInt8], 0, nil as StoreError?)
    while rest > 0 {
      let count = fread(&chunk, 1, min(chunk.count, rest), file)
      guard count > 0 else {
        if ferror(file) != 0 { throw failure(errno) }
        break
      }
      rest -= count
      var read = chunk[..<count]
      while let end = read.firstIndex(of: UInt8(ascii: "\n")) {
        line += read[..<end]
        read = read[(end + 1)...]
        // Only the last line may be broken.
        if let fault { throw fault }
        number += 1
        do {
          let operation = try JSONValue(parsing: line)
          try body(number, operation)
        } catch let error as StoreError {
          throw error
        } catch {
          fault = .notAStore(location: path, problem: "line \(number) of the journal is \(error)")
        }
        line.removeAll(keepingCapacity: true)
      }
      line += read
      guard line.count <= Self.longestLine else {
        throw .notAStore(
          location: path,
          problem: "line \(number + 1) is longer than \(Self.longestLine >> 20) MiB")
      }
    }
    if let fault, number == 1 || !line.isEmpty { throw fault }
    if number == 0 {
      throw .notAStore(location: path, problem: "it ends in the first line of a journal")
    }
    return fault != nil || !line.isEmpty
  }

  private func failure(_ code: Int32) -> StoreError {
    .io(location: path, problem: String(cString: strerror(code)))
  }
}
