/* Files without a name: deleted while open, O_TMPFILE, memory, and one that gets its name late. */
#include "truth.h"
#include <sys/mman.h>

int main(void) {
  char self[64];
  int fd = must(open("short", O_RDWR | O_CREAT | O_EXCL, 0600), "short");
  truth("written", "short");
  must(unlink("short"), "unlink");
  truth("removed", "short");
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  must(open(self, O_RDONLY), self);
  int given = must(open("given/data", O_RDONLY), "given");
  truth("read", "given/data");
  must(unlink("given/data"), "unlink");
  truth("removed", "given/data");
  snprintf(self, sizeof self, "/proc/self/fd/%d", given);
  must(open(self, O_RDONLY), self);
  int memory = must(memfd_create("in memory", 0), "memfd");
  snprintf(self, sizeof self, "/proc/self/fd/%d", memory);
  must(open(self, O_RDONLY), self);
  int late = open(".", O_TMPFILE | O_RDWR, 0600);
  if (late >= 0) {
    snprintf(self, sizeof self, "/proc/self/fd/%d", late);
    must(linkat(AT_FDCWD, self, AT_FDCWD, "late", AT_SYMLINK_FOLLOW), "linkat");
    truth("written", "late");
  }
  return 0;
}
