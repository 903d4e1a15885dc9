internal import CPCRE2
internal import System

/// A compiled regular expression whose searches are bounded, whatever the expression and the text.
///
/// The syntax is PCRE2's, with what ``ExpressionSyntax`` translates; characters are Unicode
/// scalars. A search uses at most ``largestMemory`` bytes and the processor time that its caller
/// allows, so that no trial waits for an expression such as `(a+)+b`. Not `Sendable`: a search uses
/// the object's memory.
@safe final class RegularExpression {
  /// The memory of one search, in KiB.
  private static let largestMemory: UInt32 = 32_768
  /// Steps of one search at one place of the text; the time is over sooner, as a rule.
  private static let mostSteps: UInt32 = 20_000_000
  private static let deepestNesting: UInt32 = 1_000_000

  private let code: OpaquePointer
  private let context: OpaquePointer
  private let matchData: OpaquePointer
  /// The names of the groups, the whole match first; nil for one without a name.
  let groupNames: [String?]

  /// - Throws: ``ExpressionFault`` when the text is no expression.
  init(_ text: String) throws(ExpressionFault) {
    let pattern = Array(try ExpressionSyntax.translated(text).utf8)
    guard let settings = unsafe pcre2_compile_context_create_8(nil) else {
      throw ExpressionFault(problem: "cannot be compiled: the memory is full")
    }
    defer { unsafe pcre2_compile_context_free_8(settings) }
    unsafe pcre2_set_newline_8(settings, UInt32(PCRE2_NEWLINE_ANY))
    let options = PCRE2_UTF | PCRE2_UCP | PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C
    var error: Int32 = 0
    var place = 0
    guard
      let code = unsafe pcre2_compile_8(
        pattern, pattern.count, options, &error, &place, settings)
    else { throw ExpressionFault(problem: Self.problem(error)) }
    guard let context = unsafe pcre2_match_context_create_8(nil),
      let matchData = unsafe pcre2_match_data_create_from_pattern_8(code, nil)
    else {
      unsafe pcre2_code_free_8(code)
      throw ExpressionFault(problem: "cannot be compiled: the memory is full")
    }
    unsafe pcre2_set_match_limit_8(context, Self.mostSteps)
    unsafe pcre2_set_depth_limit_8(context, Self.deepestNesting)
    unsafe pcre2_set_heap_limit_8(context, Self.largestMemory)
    unsafe self.code = code
    unsafe self.context = context
    unsafe self.matchData = matchData
    groupNames = unsafe Self.groupNames(of: code)
  }

  deinit {
    unsafe pcre2_match_data_free_8(matchData)
    unsafe pcre2_match_context_free_8(context)
    unsafe pcre2_code_free_8(code)
  }

  // MARK: Searching

  /// Where the groups of a match stand in the text, the whole match first; nil for one that is not
  /// in it.
  typealias Match = [Range<Int>?]

  /// Finds all matches, from left to right and without overlap.
  ///
  /// - Parameters:
  ///   - text: Valid UTF-8.
  ///   - allowance: The processor time that is left for searches; what this one takes goes off it.
  /// - Throws: ``SearchFault`` when a bound is reached first.
  func matches(
    in text: [UInt8], within allowance: inout Duration
  ) throws(SearchFault) -> [Match] {
    var clock = SearchClock(allowance)
    defer { allowance = clock.left }
    var matches: [Match] = []
    var start = 0
    while start <= text.count {
      guard let match = try firstMatch(in: text, from: start, &clock), let whole = match[0] else {
        break
      }
      matches.append(match)
      start = whole.upperBound
      if whole.isEmpty {
        // Behind the next character, of which UTF-8 has up to four bytes.
        start += 1
        while start < text.count, text[start] & 0xC0 == 0x80 { start += 1 }
      }
    }
    return matches
  }

  private func firstMatch(
    in text: [UInt8], from start: Int, _ clock: inout SearchClock
  ) throws(SearchFault) -> Match? {
    let result = unsafe withUnsafeMutablePointer(to: &clock) { clock in
      // Called before each item of the expression, so that no search goes on for long without it.
      unsafe pcre2_set_callout_8(
        context,
        { _, clock in
          guard let clock = unsafe clock?.assumingMemoryBound(to: SearchClock.self) else {
            return 0
          }
          return unsafe clock.pointee.isOver() ? PCRE2_ERROR_CALLOUT : 0
        }, clock)
      return unsafe pcre2_match_8(
        code, text, text.count, start, UInt32(PCRE2_NO_UTF_CHECK), matchData, context)
    }
    guard result != PCRE2_ERROR_NOMATCH else { return nil }
    guard result > 0 else { throw SearchFault(size: text.count) }
    guard let places = unsafe pcre2_get_ovector_pointer_8(matchData) else { return nil }
    return groupNames.indices.map { group in
      // A group that is not in the match has places beyond all texts, which are negative here.
      let (from, to) = unsafe (places[2 * group], places[2 * group + 1])
      return from >= 0 && to >= from ? from..<to : nil
    }
  }

  // MARK: Facts

  private static func groupNames(of code: OpaquePointer) -> [String?] {
    var (groups, names, size) = (0 as UInt32, 0 as UInt32, 0 as UInt32)
    unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &groups)
    unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMECOUNT), &names)
    unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &size)
    var result = [String?](repeating: nil, count: Int(groups) + 1)
    var table: UnsafePointer<UInt8>?
    unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_NAMETABLE), &table)
    guard let table = unsafe table else { return result }
    for index in 0..<Int(names) {
      // Two bytes with the number, then the name up to a NUL.
      let entry = unsafe table + index * Int(size)
      let group = unsafe Int(entry[0]) << 8 | Int(entry[1])
      result[group] = unsafe String(cString: entry + 2)
    }
    return result
  }

  private static func problem(_ error: Int32) -> String {
    let text = unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
      let count = unsafe pcre2_get_error_message_8(error, buffer.baseAddress, buffer.count)
      return unsafe String(decoding: buffer[..<max(0, Int(count))], as: UTF8.self)
    }
    return "is not a regular expression, \(text); check its brackets and escapes"
  }
}

/// Why an expression is refused; goes behind the expression in a message.
package struct ExpressionFault: Error {
  /// What is wrong and what to do, without the expression itself.
  package let problem: String
}

/// A search was given up, since it took too many steps, too much time or too much memory.
package struct SearchFault: Error {
  /// The size of the text in bytes.
  package let size: Int
}

/// Counts the processor time of the calling thread against what a search may take.
///
/// Not the time of day: that a busy machine gives a thread no processor is not the expression's
/// fault.
private struct SearchClock {
  private let end: Duration
  private var calls: UInt32 = 0

  init(_ allowance: Duration) {
    end = Self.now + allowance
  }

  var left: Duration { end - Self.now }

  /// Whether the time is over; looks at the clock at some calls only.
  mutating func isOver() -> Bool {
    calls &+= 1
    return calls & 0x3FF == 0 && Self.now >= end
  }

  private static var now: Duration {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}
