// What the engine needs of a newer glibc than the wheel asks for. Linked into the wheel's library alone.
#include <math.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// glibc 2.36 has functions for these calls of the kernel.
int pidfd_open(pid_t process, unsigned int flags) { return syscall(SYS_pidfd_open, process, flags); }

int pidfd_send_signal(int process, int number, siginfo_t *information, unsigned int flags) {
  return syscall(SYS_pidfd_send_signal, process, number, information, flags);
}

// glibc 2.35 has a new version of it, which sets no errno; the squares are exact in double.
float hypotf(float x, float y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  return (float)sqrt((double)x * x + (double)y * y);
}
