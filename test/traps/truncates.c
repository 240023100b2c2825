/* Changes that open nothing: truncate, mkdir, mknod, rmdir, and creat, which has no flags. */
#include "truth.h"

int main(void) {
  must(truncate("given/data", 1), "truncate");
  truth("written", "given/data");
  must(truncate("given/other", 0), "truncate");
  truth("written", "given/other");
  must(creat("made", 0644), "creat");
  truth("written", "made");
  must(mkdir("folder", 0755), "mkdir");
  truth("written", "folder");
  must(mkdir("gone", 0755), "mkdir");
  truth("written", "gone");
  must(rmdir("gone"), "rmdir");
  truth("removed", "gone");
  must(mknod("pipe", S_IFIFO | 0600, 0), "mknod");
  truth("written", "pipe");
  must(unlink("given/tool"), "unlink");
  truth("removed", "given/tool");
  must(open("given/log", O_WRONLY | O_APPEND), "log");
  truth("written", "given/log");
  return 0;
}
