/// The machine's clock that is never set: it runs on while the machine sleeps and begins anew with
/// each start of the machine. All processes of the machine read the same time.
package enum SteadyClock {
  /// The time since the machine was started, roughly.
  package static var now: Duration {
    var time = timespec()
    #if os(Linux)
      unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    #else
      unsafe clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    #endif
    return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
  }

  /// Changes with each start of the machine; empty where the system does not tell.
  package static let boot: String = readBoot()

  private static func readBoot() -> String {
    #if os(Linux)
      let text = Host.head(of: "/proc/sys/kernel/random/boot_id") ?? ""
      return String(text.unicodeScalars.prefix { $0.value > 32 })
    #else
      var size = 128
      var buffer = [UInt8](repeating: 0, count: size)
      guard unsafe sysctlbyname("kern.bootsessionuuid", &buffer, &size, nil, 0) == 0 else {
        return ""
      }
      return String(decoding: buffer.prefix { $0 > 32 }, as: UTF8.self)
    #endif
  }
}
