internal import JSON

/// What W&B's own client leaves of a run without a network: `run-ID.wandb`, a log of messages that
/// is whole when the run has ended.
///
/// The file has seven bytes of its own, then blocks of 32 KiB with pieces of records, as the logs
/// of LevelDB have them: a check of four bytes, a length, and which piece of its record it is.
enum OfflineRun {
  /// What the program logged at once, or what its summary became.
  struct Entry {
    let values: JSONValue
    let isSummary: Bool
  }

  private static let magic: [UInt8] = [0x3A, 0x57, 0x26, 0x42, 0xE1, 0xBE, 0x00]
  private static let blockSize = 32_768
  private static let pieceHeadSize = 7
  private static let largestSize = 64 << 20

  /// What the runs below a trial's folder logged, in their order; nothing where there are none.
  static func entries(in folder: String) -> [Entry] {
    let place = "\(folder)/wandb"
    var entries: [Entry] = []
    for run in EventFiles.names(in: place).sorted() where run.contains("run-") {
      for name in EventFiles.names(in: "\(place)/\(run)").sorted() where name.hasSuffix(".wandb") {
        let bytes = ResultFile.contents(of: "\(place)/\(run)/\(name)", atMost: largestSize)
        for record in records(in: bytes ?? []) { entries += self.entries(of: record[...]) }
      }
    }
    return entries
  }

  /// The records of a log, as far as it is whole.
  static func records(in bytes: [UInt8]) -> [[UInt8]] {
    guard bytes.starts(with: magic) else { return [] }
    var records: [[UInt8]] = []
    var begun: [UInt8] = []
    var place = magic.count
    while place + pieceHeadSize <= bytes.count {
      let left = blockSize - place % blockSize
      guard left >= pieceHeadSize else {
        place += left
        continue
      }
      let size = Int(bytes[place + 4]) | Int(bytes[place + 5]) << 8
      let kind = bytes[place + 6]
      place += pieceHeadSize
      guard size <= left - pieceHeadSize, place + size <= bytes.count else { break }
      let piece = bytes[place..<place + size]
      place += size
      switch kind {
      case 1: records.append(Array(piece))
      case 2: begun = Array(piece)
      case 3: begun += piece
      case 4: records.append(begun + piece)
      default: return records
      }
    }
    return records
  }

  /// The values of a record: one of history (field 2), or of the summary (field 3).
  private static func entries(of record: ArraySlice<UInt8>) -> [Entry] {
    (WireField.all(in: record) ?? []).compactMap { field in
      guard field.number == 2 || field.number == 3, case .bytes(let message) = field.content,
        let fields = WireField.all(in: message)
      else { return nil }
      let items = fields.compactMap { field -> JSONValue.Member? in
        guard field.number == 1, case .bytes(let item) = field.content else { return nil }
        return member(item)
      }
      return items.isEmpty ? nil : Entry(values: .object(items), isSummary: field.number == 3)
    }
  }

  /// A name, or names of what is nested, and a value as JSON.
  private static func member(_ item: ArraySlice<UInt8>) -> JSONValue.Member? {
    var names: [String] = []
    var value: JSONValue?
    for field in WireField.all(in: item) ?? [] {
      guard case .bytes(let bytes) = field.content else { continue }
      let text = String(decoding: bytes, as: UTF8.self)
      switch field.number {
      case 1, 2: if !text.isEmpty { names.append(text) }
      case 16: value = try? JSONValue(parsing: text)
      default: continue
      }
    }
    guard let value, !names.isEmpty else { return nil }
    return JSONValue.Member(names.joined(separator: "."), value)
  }
}
