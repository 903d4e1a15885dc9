internal import System

extension TrialFolders {
  /// What became of a folder that was to be removed.
  package enum Removal: Sendable, Hashable {
    /// There was none.
    case absent
    /// It is gone, with all that was in it.
    case removed
    /// Some of it is left; why, in the system's words.
    case failed(String)
  }

  /// Removes the study's folder with the files of all its trials. Links are removed, not followed.
  package func remove() -> Removal {
    do throws(SystemError) {
      return try Self.remove(base, in: AT_FDCWD) ? .removed : .absent
    } catch {
      return .failed(error.text)
    }
  }

  /// Removes the files of all attempts at one trial. Links are removed, not followed.
  package func remove(trial number: Int) -> Removal {
    guard let list = unsafe opendir(base) else {
      return errno == ENOENT ? .absent : .failed(SystemError.last.text)
    }
    defer { unsafe closedir(list) }
    let name = "trial-\(number)"
    var removal = Removal.absent
    for entry in unsafe Self.names(in: list) where entry == name || entry.hasPrefix(name + ".") {
      do throws(SystemError) {
        if unsafe try Self.remove(entry, in: dirfd(list)) { removal = .removed }
      } catch {
        return .failed(error.text)
      }
    }
    return removal
  }

  /// Removes what has that name in an open folder; false when there is nothing.
  private static func remove(_ name: String, in parent: Int32) throws(SystemError) -> Bool {
    if unsafe unlinkat(parent, name, 0) == 0 { return true }
    if errno == ENOENT || errno == ENOTDIR { return false }
    // What a folder is refused with: Linux says EISDIR, others EPERM.
    guard errno == EISDIR || errno == EPERM else { throw .last }
    let file = unsafe openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard file >= 0 else { throw .last }
    guard let list = unsafe fdopendir(file) else {
      close(file)
      throw .last
    }
    defer { unsafe closedir(list) }
    // Read before anything is removed: what is left out of a folder that changes is not said.
    for entry in unsafe names(in: list) { _ = try remove(entry, in: file) }
    guard unsafe unlinkat(parent, name, AT_REMOVEDIR) == 0 else { throw .last }
    return true
  }

  private static func names(in list: OpaquePointer) -> [String] {
    var names: [String] = []
    while let entry = unsafe readdir(list) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
