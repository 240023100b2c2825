/* Files and folders that change their names. */
#include "truth.h"

int main(void) {
  make("draft");
  must(rename("draft", "final"), "rename");
  truth("removed", "draft");
  truth("written", "final");
  must(rename("given/data", "moved"), "rename");
  truth("read", "given/data");
  truth("removed", "given/data");
  truth("written", "moved");
  make("left");
  make("right");
  if (syscall(SYS_renameat2, AT_FDCWD, "left", AT_FDCWD, "right", 2) < 0) die("exchange");
  if (syscall(SYS_renameat2, AT_FDCWD, "left", AT_FDCWD, "right", 1) == 0) die("replaced");
  if (syscall(SYS_renameat2, AT_FDCWD, "left", AT_FDCWD, "other", 1) < 0) die("noreplace");
  truth("removed", "left");
  truth("written", "other");
  must(mkdir("build", 0755), "mkdir");
  truth("written", "build");
  make("build/result");
  must(mkdir("build/deep", 0755), "mkdir");
  truth("written", "build/deep");
  make("build/deep/result");
  must(rename("build", "done"), "rename");
  truth("removed", "build");
  truth("removed", "build/result");
  truth("removed", "build/deep");
  truth("removed", "build/deep/result");
  truth("written", "done");
  truth("written", "done/result");
  truth("written", "done/deep");
  truth("written", "done/deep/result");
  return 0;
}
