// Loaded before the C library: the clocks of a program, off by what a file says. Allocates nothing, since allocators
// read clocks too.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    const char *path = getenv("TEST_CLOCK_FILE");
    int is_calendar = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    int is_steady = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
    int is_set = is_calendar || (is_steady && getenv("TEST_CLOCK_STEADY"));
    if (result != 0 || path == NULL || !is_set) return result;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    char text[32] = {0};
    if (file >= 0 && read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
    if (file >= 0) close(file);
    return 0;
}
