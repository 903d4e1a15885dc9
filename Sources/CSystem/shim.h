#pragma once
#include <spawn.h>
#include <string.h>
#include <sys/types.h>

#ifdef __linux__
// The C library declares these only with _GNU_SOURCE, which Swift's importer does not define.
extern int pipe2(int descriptors[2], int flags);
extern int pidfd_open(pid_t process, unsigned int flags);
extern int posix_spawn_file_actions_addchdir_np(
    posix_spawn_file_actions_t *actions, const char *path);
extern int posix_spawn_file_actions_addclosefrom_np(
    posix_spawn_file_actions_t *actions, int lowest);
extern void *memmem(const void *text, size_t length, const void *word, size_t word_length);
extern void *memrchr(const void *text, int byte, size_t length);
#endif
