#pragma once
#include <spawn.h>
#include <string.h>
#include <sys/types.h>

#ifdef __linux__
#include <pthread.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// The C library declares these only with _GNU_SOURCE, which Swift's importer does not define.
extern int pipe2(int descriptors[2], int flags);
extern int pidfd_open(pid_t process, unsigned int flags);
extern int pidfd_send_signal(int process, int signal, void *info, unsigned int flags);
extern int pthread_cond_clockwait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *end);
extern int posix_spawn_file_actions_addchdir_np(
    posix_spawn_file_actions_t *actions, const char *path);
extern int posix_spawn_file_actions_addclosefrom_np(
    posix_spawn_file_actions_t *actions, int lowest);
extern void *memmem(const void *text, size_t length, const void *word, size_t word_length);
extern void *memrchr(const void *text, int byte, size_t length);

// Closes all descriptors from that number on.
static inline long nt_close_from(int lowest) {
  return syscall(SYS_close_range, (unsigned)lowest, ~0U, 0);
}

// prctl is variadic. Makes orphans among this process's descendants its children; 0 on success.
static inline int nt_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

// Swift hides fork, since little may be done behind it; the guardian's loop is that little.
static inline pid_t nt_fork(void) { return fork(); }

// cpu_set_t is made of macros; the system calls take words of 64 bits. The first returns how many bytes it
// wrote, or less than 0.
static inline long nt_sched_getaffinity(pid_t process, unsigned long size, uint64_t *words) {
  return syscall(SYS_sched_getaffinity, process, size, words);
}
static inline long nt_sched_setaffinity(pid_t process, unsigned long size, const uint64_t *words) {
  return syscall(SYS_sched_setaffinity, process, size, words);
}
#endif
