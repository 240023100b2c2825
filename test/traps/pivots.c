/* A root of its own, made of pieces of this machine's, as sandboxes make it. Needs root. */
#include "truth.h"

int main(void) {
  char box[PATH_MAX], path[2 * PATH_MAX];
  if (!getcwd(box, sizeof box)) die("getcwd");
  must(mkdir("base", 0755), "mkdir");
  truth("written", "base");
  truth("read", "given/data");
  truth("read", "given/other");
  truth("foreign", "/lent/other");
  truth("foreign", "/private");
  snprintf(path, sizeof path, "%s/given/data", box);
  if (unshare(CLONE_NEWNS) < 0) return 77;
  must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
  must(mount("tmpfs", "base", "tmpfs", 0, NULL), "tmpfs");
  must(chdir("base"), "chdir");
  must(mkdir("new", 0755), "new");
  must(mkdir("old", 0755), "old");
  if (syscall(SYS_pivot_root, ".", "old") < 0) die("pivot_root");
  must(chdir("/"), "chdir");
  must(mount("/old", "/new", NULL, MS_BIND | MS_REC, NULL), "bind");
  must(mount("tmpfs", "/new/mnt", "tmpfs", 0, NULL), "tmpfs");
  must(chdir("/new"), "chdir");
  if (syscall(SYS_pivot_root, ".", ".") < 0) die("pivot_root");
  must(umount2(".", MNT_DETACH), "umount");
  must(chdir("/"), "chdir");
  must(open(path, O_RDONLY), "data"); /* the same file as outside */
  must(mkdir("/mnt/lent", 0755), "lent");
  snprintf(path, sizeof path, "%s/given", box);
  must(mount(path, "/mnt/lent", NULL, MS_BIND, NULL), "bind");
  must(chdir("/mnt"), "chdir");
  if (syscall(SYS_pivot_root, ".", ".") < 0) die("pivot_root");
  must(umount2(".", MNT_DETACH), "umount");
  must(open("/lent/other", O_RDONLY), "other");
  must(open("/private", O_RDWR | O_CREAT, 0600), "private");
  return 0;
}
