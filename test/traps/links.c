/* A chain of links, a linked folder, a hard link; each name on the way counts. */
#include "truth.h"

int main(void) {
  must(mkdir("v1.2", 0755), "mkdir");
  truth("written", "v1.2");
  make("v1.2/tool");
  must(symlink("v1.2", "current"), "symlink");
  truth("written", "current");
  must(symlink("current/tool", "first"), "symlink");
  truth("written", "first");
  must(symlink("first", "second"), "symlink");
  truth("written", "second");
  must(open("second", O_RDONLY), "second");
  truth("read", "v1.2/tool");
  truth("via", "second");
  truth("via", "first");
  truth("via", "current");
  must(open("current/../v1.2/tool", O_RDONLY), "dots");
  must(link("given/data", "hard"), "link");
  truth("read", "given/data");
  truth("written", "hard");
  readit("hard");
  must(link("second", "twin"), "link");
  truth("written", "twin");
  return 0;
}
