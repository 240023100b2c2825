/* What every trap written in C says about itself: JSON lines on standard output, names as repronim writes them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void die(const char *what) {
  perror(what);
  exit(99);
}

static inline int must(int result, const char *what) {
  if (result < 0) die(what);
  return result;
}

/* The length of the UTF-8 sequence at s, or 0. */
static inline int sequence(const unsigned char *s) {
  int n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
  for (int i = 1; i < n; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  return n;
}

/* One line: what was done (read, written, executed, removed, directory, via, socket) with which path. A relative path
   is completed with the working directory of the moment. */
static inline void truth(const char *what, const char *path) {
  static char line[4 * PATH_MAX * 6];
  char full[2 * PATH_MAX];
  if (path[0] == '/' || path[0] == '@') snprintf(full, sizeof full, "%s", path);
  else {
    char cwd[PATH_MAX];
    if (!getcwd(cwd, sizeof cwd)) die("getcwd");
    snprintf(full, sizeof full, "%s/%s", cwd, path);
  }
  char *out = line + sprintf(line, "{\"%s\": \"", what);
  for (const unsigned char *s = (const unsigned char *)full; *s;) {
    int n = sequence(s);
    if (n == 0) out += sprintf(out, "\\udc%02x", *s++);
    else if (n > 1) { memcpy(out, s, n); out += n; s += n; }
    else if (*s == '"' || *s == '\\') { *out++ = '\\'; *out++ = *s++; }
    else if (*s < 32 || *s == 127) out += sprintf(out, "\\u%04x", *s++);
    else *out++ = *s++;
  }
  out += sprintf(out, "\"}\n");
  if (write(1, line, out - line) < 0) die("write");
}

/* Makes a file with some content. */
static inline void make(const char *path) {
  int fd = must(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644), path);
  if (write(fd, "x\n", 2) < 0) die(path);
  close(fd);
  truth("written", path);
}

static inline void readit(const char *path) {
  close(must(open(path, O_RDONLY), path));
  truth("read", path);
}
