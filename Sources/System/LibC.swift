// The one place that names the platform's C library: all other files import `System`.

#if canImport(Glibc)
  @_exported public import CSystem
  @_exported public import Glibc
#else
  @_exported public import Darwin
#endif
