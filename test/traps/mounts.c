/* In a mount namespace of its own: one folder covers another. Needs root. */
#include "truth.h"

int main(void) {
  must(mkdir("here", 0755), "mkdir");
  truth("written", "here");
  make("here/covered");
  if (unshare(CLONE_NEWNS) < 0) return 77;
  must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
  must(mount("given", "here", NULL, MS_BIND, NULL), "bind");
  must(open("here/data", O_RDONLY), "data");
  truth("read", "given/data"); /* the file of this machine … */
  truth("foreign", "here/data"); /* … and its name in there */
  must(mount("tmpfs", "here", "tmpfs", 0, NULL), "tmpfs");
  close(must(open("here/data", O_RDWR | O_CREAT, 0600), "data"));
  close(must(open("here/only-there", O_RDWR | O_CREAT, 0600), "only"));
  truth("foreign", "here/only-there");
  readit("given/other");
  return 0;
}
