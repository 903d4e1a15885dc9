package import StudyModel
internal import System

/// Names and distributions of parameters by the bytes they are stored as.
///
/// A study repeats a few of them a million times. They come in the same order in each trial, so the
/// one that followed last time is compared first, byte by byte, before anything is looked up.
package final class ParameterInterner {
  /// Reads the stored text of a distribution of the parameter of that name.
  package typealias Reading = (_ text: String, _ name: String) throws(StoreError) -> Distribution

  private struct Entry {
    let nameBytes: [UInt8]
    let distributionBytes: [UInt8]
    let name: String
    let distribution: Distribution
    /// The internal values that a trial can have.
    let possible: ClosedRange<Double>
    /// The entry that came after this one last time.
    var successor: Int
  }

  private var entries: [Entry] = []
  private var index: [[UInt8]: Int] = [:]
  private var last = 0
  private let read: Reading

  /// Creates an interner that reads distributions with `read`.
  package init(reading read: @escaping Reading) {
    self.read = read
  }

  /// The number of different pairs met so far.
  package var count: Int { entries.count }

  /// The name and the distribution of an entry.
  package subscript(entry: Int) -> (name: String, distribution: Distribution) {
    (entries[entry].name, entries[entry].distribution)
  }

  /// The entry with those bytes, which is added when they are new.
  package func entry(
    name: UnsafeRawBufferPointer, distribution: UnsafeRawBufferPointer
  ) throws(StoreError) -> Int {
    if !entries.isEmpty {
      let guess = entries[last].successor
      let isSame =
        isEqual(entries[guess].nameBytes, name)
        && isEqual(entries[guess].distributionBytes, distribution)
      if isSame {
        last = guess
        return guess
      }
    }
    let key = Array(name) + [0] + Array(distribution)
    let found: Int
    if let known = index[key] {
      found = known
    } else {
      found = entries.count
      let (nameBytes, distributionBytes) = (Array(name), Array(distribution))
      let text = String(decoding: nameBytes, as: UTF8.self)
      let known = try read(String(decoding: distributionBytes, as: UTF8.self), text)
      entries.append(
        Entry(
          nameBytes: nameBytes, distributionBytes: distributionBytes, name: text,
          distribution: known,
          possible: known.possibleInternalValues, successor: 0))
      index[key] = found
    }
    entries[last].successor = found
    last = found
    return found
  }

  /// The name and distribution with those bytes.
  package func parameter(
    name: UnsafeRawBufferPointer, distribution: UnsafeRawBufferPointer
  ) throws(StoreError) -> (String, Distribution) {
    let entry = try entry(name: name, distribution: distribution)
    return (entries[entry].name, entries[entry].distribution)
  }

  /// Whether a trial can have that internal value; see ``Distribution/value(of:)``.
  package func isPossible(_ value: Double, of entry: Int) -> Bool {
    entries[entry].possible.contains(value)
  }

  private func isEqual(_ known: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard known.count == bytes.count else { return false }
    return known.withUnsafeBytes { known in
      guard let left = known.baseAddress, let right = bytes.baseAddress else { return true }
      return memcmp(left, right, known.count) == 0
    }
  }
}

extension Distribution {
  /// The internal values for which ``value(of:)`` has a value.
  fileprivate var possibleInternalValues: ClosedRange<Double> {
    switch self {
    case .float, .opaque: -.infinity ... .infinity
    case .int: -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
    case .categorical(let categorical): 0...Double(categorical.choices.count).nextDown
    }
  }
}
