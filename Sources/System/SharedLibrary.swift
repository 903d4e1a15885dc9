/// A C library that is opened when it is first needed and kept until the process ends.
///
/// Linked, a library such as librsvg or libpq and the dozens behind it would slow the start of
/// every process, also of those that never use it. Where this program came with libraries of its
/// own, as the Python wheel does, those come first; the system's is taken for what it has not.
@safe package struct SharedLibrary: @unchecked Sendable {
  // The handle is only ever passed to dlsym, which any thread may call.
  private let handle: UnsafeMutableRawPointer
  private let name: String

  /// Opens the library.
  ///
  /// - Parameters:
  ///   - name: The file's name without its ending, such as `libcurl`.
  ///   - version: The major version of its binary interface.
  package init(_ name: String, version: Int) throws(MissingLibrary) {
    #if os(Linux)
      let names =
        Self.ownFolder.map { ["\($0)/\(name)\(Self.ownMark).\(version)", "\(name).so.\(version)"] }
        ?? ["\(name).so.\(version)"]
    #else
      let names = ["", "/opt/homebrew/lib/", "/usr/local/lib/"].map {
        "\($0)\(name).\(version).dylib"
      }
    #endif
    for name in names {
      if let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL) {
        unsafe handle = library
        self.name = name
        return
      }
    }
    throw MissingLibrary(name: names[names.count - 1])
  }

  #if os(Linux)
    /// What the names of libraries end with that come with this program, before their version:
    /// other libraries of the process never are those.
    private static let ownMark = "-needletail.so"

    /// The folder of the libraries that came with this program; nil without any. One of them, for
    /// linear algebra, is linked, so that the process shows where it was found; the engine itself
    /// may run from a copy.
    private static let ownFolder: String? = {
      guard let maps = unsafe fopen("/proc/self/maps", "re") else { return nil }
      defer { unsafe fclose(maps) }
      var line: UnsafeMutablePointer<CChar>?
      var room = 0
      defer { unsafe free(line) }
      while unsafe getline(&line, &room, maps) > 0, let text = unsafe line {
        let entry = unsafe String(cString: text)
        guard entry.contains(ownMark), let start = entry.firstIndex(of: "/"),
          let end = entry.lastIndex(of: "/"), start < end
        else { continue }
        return String(entry[start..<end])
      }
      return nil
    }()
  #endif

  /// The function of that name.
  ///
  /// - Returns: The function's address as a C function pointer; the caller states its type, which
  ///   must be the one in the library's header.
  package func function<Function>(_ name: String) throws(MissingLibrary) -> Function {
    precondition(
      MemoryLayout<Function>.size == MemoryLayout<Int>.size,
      "\(Function.self) is no C function pointer")
    guard let address = unsafe dlsym(handle, name) else {
      throw MissingLibrary(name: "a newer \(self.name) with \(name)")
    }
    return unsafe unsafeBitCast(address, to: Function.self)
  }
}

/// A library, or one of its functions, that this machine does not have.
package struct MissingLibrary: Error, Hashable {
  /// The file's name, or what is missing of it, to be put into a sentence.
  package let name: String
}
