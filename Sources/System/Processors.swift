/// The processors of this machine.
package enum Processors {
  /// The cores that this process may use, by number; empty where the system does not tell.
  package static var cores: [Int] {
    #if os(Linux)
      var bits = [UInt64](repeating: 0, count: 64)
      let size = unsafe nt_sched_getaffinity(0, UInt(bits.count * 8), &bits)
      guard size > 0 else { return [] }
      return (0..<(bits.count * 64)).filter { bits[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
    #else
      return []
    #endif
  }

  /// Binds the calling thread, and the processes it starts, to cores; does nothing where the system
  /// cannot, or where a core does not exist.
  package static func bindThread(to cores: [Int]) {
    #if os(Linux)
      var bits = [UInt64](repeating: 0, count: 64)
      for core in cores where (0..<(bits.count * 64)).contains(core) {
        bits[core / 64] |= 1 << UInt64(core % 64)
      }
      _ = unsafe nt_sched_setaffinity(0, UInt(bits.count * 8), &bits)
    #endif
  }

  /// The graphics processors that this process may use, as their drivers number them.
  ///
  /// - Parameter environment: Where `CUDA_VISIBLE_DEVICES` or `HIP_VISIBLE_DEVICES` may restrict
  ///   them.
  package static func gpus(environment: (String) -> String?) -> [String] {
    for name in ["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"] {
      if let list = environment(name) {
        return list.split(separator: ",").map(String.init).filter { $0 != "-1" }
      }
    }
    let nvidia = entries("/proc/driver/nvidia/gpus").count
    if nvidia > 0 { return (0..<nvidia).map(String.init) }
    // AMD: a render node per device that belongs to the amdgpu driver.
    let module = "device/driver/module/drivers/pci:amdgpu"
    let amd = entries("/sys/class/drm").filter { entry in
      guard entry.hasPrefix("renderD") else { return false }
      return unsafe access("/sys/class/drm/\(entry)/\(module)", F_OK) == 0
    }
    return amd.indices.map(String.init)
  }

  private static func entries(_ path: String) -> [String] {
    guard let list = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(list) }
    var names: [String] = []
    while let entry = unsafe readdir(list) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { text in
          unsafe String(cString: text)
        }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }
}
