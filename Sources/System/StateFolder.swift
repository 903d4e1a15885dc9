/// Where this user's programs keep what must outlive them.
package enum StateFolder {
  /// `$XDG_STATE_HOME/needletail`, else `.local/state/needletail` in the home folder of the
  /// environment or of the system's list of users, else a folder of this user in `/tmp`. It need
  /// not exist.
  package static func path(_ environment: (String) -> String?) -> String {
    func folder(_ name: String) -> String? {
      environment(name).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    if let state = folder("XDG_STATE_HOME") { return "\(state)/needletail" }
    if let home = folder("HOME") ?? listedHome { return "\(home)/.local/state/needletail" }
    return "/tmp/needletail-\(getuid())"
  }

  /// The home folder in the system's list of users; nil for none, and for those that services have.
  private static var listedHome: String? {
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16_384)
    let code = unsafe getpwuid_r(getuid(), &entry, &buffer, buffer.count, &found)
    guard code == 0, let home = unsafe found?.pointee.pw_dir.map({ unsafe String(cString: $0) }),
      home.hasPrefix("/"), home != "/", home != "/nonexistent"
    else { return nil }
    return home
  }
}
