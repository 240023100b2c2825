/* Names that start at a descriptor: openat, openat2, fchdir, and a chdir between. */
#include "truth.h"
#include <linux/openat2.h>

int main(void) {
  must(mkdir("one", 0755), "mkdir");
  truth("written", "one");
  must(mkdir("one/two", 0755), "mkdir");
  truth("written", "one/two");
  make("one/a");
  make("one/two/b");
  make("one/two/c");
  make("c");
  int one = must(open("one", O_RDONLY | O_DIRECTORY), "one");
  truth("directory", "one");
  int two = must(openat(one, "two", O_RDONLY | O_DIRECTORY), "two");
  truth("directory", "one/two");
  must(openat(two, "b", O_RDONLY), "b");
  truth("read", "one/two/b");
  must(openat(two, "../a", O_RDONLY), "a");
  truth("read", "one/a");
  struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
  if (syscall(SYS_openat2, one, "two/c", &how, sizeof how) < 0) die("openat2");
  truth("read", "one/two/c");
  must(fchdir(two), "fchdir");
  readit("c");
  must(unlink("c"), "unlink");
  truth("removed", "c");
  must(chdir("../.."), "chdir");
  readit("c");
  must(fchdir(one), "fchdir");
  must(unlinkat(two, "b", 0), "unlinkat");
  truth("removed", "two/b");
  must(rename("a", "d"), "rename");
  truth("removed", "a");
  truth("written", "d");
  return 0;
}
