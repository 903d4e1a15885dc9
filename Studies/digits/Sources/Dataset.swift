internal import CZlib
internal import LinearAlgebra
internal import Probability

/// Labelled images: one column of 64 pixels in 0…1 for each label in 0…9.
struct Dataset {
  var pixels: Matrix
  var labels: [Int]

  static let pixelCount = 64
  static let classCount = 10

  /// Reads gzip-compressed lines of 64 pixels in 0…16 and the digit they show, separated by commas.
  init(path: String) throws(DigitsError) {
    let bytes = try Self.inflate(path)
    var (elements, labels): ([Double], [Int]) = ([], [])
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    for (index, line) in lines.enumerated() {
      let numbers = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        .compactMap { Int(String(decoding: $0, as: UTF8.self)) }
      guard numbers.count == Self.pixelCount + 1, let label = numbers.last,
        (0..<Self.classCount).contains(label), numbers.allSatisfy({ (0...16).contains($0) })
      else {
        throw .data(
          "'\(path)', line \(index + 1): expected 64 pixels in 0…16 and a digit; "
            + "write the file again with make_data.py")
      }
      elements += numbers.dropLast().map { Double($0) / 16 }
      labels.append(label)
    }
    guard !labels.isEmpty else { throw .data("'\(path)' is empty; write it with make_data.py") }
    pixels = Matrix(rows: Self.pixelCount, columns: labels.count, elements: elements)
    self.labels = labels
  }

  init(pixels: Matrix, labels: [Int]) {
    precondition(pixels.columns == labels.count, "\(pixels.columns) images, \(labels.count) labels")
    (self.pixels, self.labels) = (pixels, labels)
  }

  /// The images with those numbers.
  func selecting(_ numbers: some Collection<Int>) -> Dataset {
    Dataset(pixels: pixels.selectingColumns(numbers), labels: numbers.map { labels[$0] })
  }

  /// Splits off a fifth of each digit's images for validation, always the same ones.
  func split() -> (training: Dataset, validation: Dataset) {
    var generator = TrialGenerator(seed: 20, trial: 0)
    var (training, validation): ([Int], [Int]) = ([], [])
    for digit in 0..<Self.classCount {
      let shuffled = labels.indices.filter { labels[$0] == digit }.shuffled(with: &generator)
      validation += shuffled.prefix(shuffled.count / 5)
      training += shuffled.dropFirst(shuffled.count / 5)
    }
    return (selecting(training), selecting(validation))
  }

  private static func inflate(_ path: String) throws(DigitsError) -> [UInt8] {
    guard let file = unsafe gzopen(path, "rb") else {
      throw .data("cannot open '\(path)'; run in the folder of digits.csv.gz, or pass --data=PATH")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var count: Int32
    repeat {
      count = unsafe gzread(file, &chunk, UInt32(chunk.count))
      bytes += chunk.prefix(Int(max(0, count)))
    } while count > 0
    // Closing tells whether the end of the stream was missing.
    let closed = unsafe gzclose_r(file)
    guard count == 0, closed == Z_OK else {
      throw .data("'\(path)' is no complete gzip file; write it again with make_data.py")
    }
    return bytes
  }
}

extension Collection {
  /// The elements in an order that the generator alone decides (Fisher and Yates).
  func shuffled(with generator: inout TrialGenerator) -> [Element] {
    var result = Array(self)
    for i in result.indices.dropFirst().reversed() {
      result.swapAt(i, generator.integer(below: i + 1))
    }
    return result
  }
}
