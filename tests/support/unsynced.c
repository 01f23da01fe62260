/* What a power cut leaves: after each fsync of a file of SQLite a copy of it, as `<path>.synced`. For LD_PRELOAD.
 *
 * The copy is read through the same descriptor: opening the file again and closing it would drop SQLite's locks.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static void copy(int fd) {
    char link[64], path[PATH_MAX], part[PATH_MAX + 16], whole[PATH_MAX + 16], block[1 << 16];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return;
    path[size] = 0;
    if (!ends_with(path, ".sqlite") && !ends_with(path, ".sqlite-wal")) return;
    snprintf(part, sizeof part, "%s.part", path);
    snprintf(whole, sizeof whole, "%s.synced", path);
    int out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0) return;
    off_t at = 0;
    ssize_t got;
    while ((got = pread(fd, block, sizeof block, at)) > 0 && write(out, block, (size_t)got) == got) at += got;
    close(out);
    if (got == 0) rename(part, whole);
}

static int synced(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = real(fd);
    if (result == 0) copy(fd);
    return result;
}

int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }
