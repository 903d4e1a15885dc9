/// A machine that is reached by ssh.
package struct SecureShellHost: Sendable, Hashable {
  /// What ssh is given: `host` or `user@host`.
  package let destination: String
  /// How many trials it runs at once; nil for what the worker itself thinks right.
  package let slots: Int?

  package init(destination: String, slots: Int?) {
    self.destination = destination
    self.slots = slots
  }

  /// Reads a list such as `host1,user@host2:4,[fe80::1]:2`.
  ///
  /// - Throws: ``LaunchError/badHost(_:problem:)``.
  package static func list(_ text: String) throws(LaunchError) -> [SecureShellHost] {
    var hosts: [SecureShellHost] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      hosts.append(try SecureShellHost(parsing: part.trimmed))
    }
    return hosts
  }

  private init(parsing text: String) throws(LaunchError) {
    var name = text[...]
    var slots: Int?
    let bracket = text.lastIndex(of: "]")
    if let colon = text.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true {
      name = text[..<colon]
      let count = text[text.index(after: colon)...]
      guard let number = Int(count), (1...4_096).contains(number) else {
        throw .badHost(text, problem: "has '\(count)' slots instead of 1 to 4096")
      }
      slots = number
      guard bracket != nil || !name.contains(":") else {
        throw .badHost(text, problem: "has several colons; put an IPv6 address in brackets")
      }
    }
    // ssh wants addresses without the brackets.
    name.removeAll { $0 == "[" || $0 == "]" }
    guard !name.isEmpty, !name.hasSuffix("@") else { throw .badHost(text, problem: "has no name") }
    // ssh would read it as an option.
    guard !name.hasPrefix("-") else { throw .badHost(text, problem: "begins with a dash") }
    guard name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      throw .badHost(text, problem: "has blanks or control characters")
    }
    self.init(destination: String(name), slots: slots)
  }
}

extension StringProtocol {
  /// Without the blanks around it.
  fileprivate var trimmed: String {
    let blanks: Set<Character> = [" ", "\t"]
    guard let start = firstIndex(where: { !blanks.contains($0) }),
      let end = lastIndex(where: { !blanks.contains($0) })
    else { return "" }
    return String(self[start...end])
  }
}
