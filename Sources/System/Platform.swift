// The one place that names the platform's C library: all other files import `System`.

#if canImport(Glibc)
  @_exported public import CSystem
  @_exported public import Glibc
#else
  @_exported public import Darwin
#endif

// What one system's C library spells otherwise than another's.

extension sigaction {
  /// The function that the signal calls, or what stands for the default and for ignoring it.
  package var handler: (@convention(c) (Int32) -> Void)? {
    get {
      #if canImport(Glibc)
        unsafe __sigaction_handler.sa_handler
      #else
        unsafe __sigaction_u.__sa_handler
      #endif
    }
    set {
      #if canImport(Glibc)
        unsafe __sigaction_handler.sa_handler = newValue
      #else
        unsafe __sigaction_u.__sa_handler = newValue
      #endif
    }
  }
}

/// The variables of this process's environment, as `NAME=value`, up to a null pointer.
package var environmentEntries: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
  #if canImport(Darwin)
    unsafe _NSGetEnviron().pointee
  #else
    unsafe environ
  #endif
}

#if canImport(Darwin)
  /// The redirections of a process that is about to be spawned.
  package typealias SpawnActions = posix_spawn_file_actions_t?
  /// Group, signals and flags of a process that is about to be spawned.
  package typealias SpawnAttributes = posix_spawnattr_t?
#else
  /// The redirections of a process that is about to be spawned.
  package typealias SpawnActions = posix_spawn_file_actions_t
  /// Group, signals and flags of a process that is about to be spawned.
  package typealias SpawnAttributes = posix_spawnattr_t
#endif

/// What `posix_spawn_file_actions_init` and `posix_spawnattr_init` are given to fill.
package func emptySpawnForms() -> (SpawnActions, SpawnAttributes) {
  #if canImport(Darwin)
    (nil, nil)
  #else
    unsafe (posix_spawn_file_actions_t(), posix_spawnattr_t())
  #endif
}

/// Starts a program by `spawn`, which returns an error's number, and again for up to a second while
/// the program's file is open for writing elsewhere.
///
/// Whoever wrote the file has closed it by then; but a process that another thread forked meanwhile
/// holds its copy of the descriptor until it has become its own program.
package func whileTextIsBusy(_ spawn: () -> Int32) -> Int32 {
  for _ in 1..<200 {
    let code = spawn()
    guard code == ETXTBSY else { return code }
    usleep(5_000)
  }
  return spawn()
}
