/* In another root, where absolute names and links mean something else. Needs root. */
#include "truth.h"

int main(void) {
  char box[PATH_MAX];
  if (!getcwd(box, sizeof box)) die("getcwd");
  must(mkdir("root", 0755), "mkdir");
  must(mkdir("root/etc", 0755), "mkdir");
  truth("written", "root");
  truth("written", "root/etc");
  make("root/etc/hostname");
  must(symlink("/etc/hostname", "root/name"), "symlink");
  truth("written", "root/name");
  truth("read", "root/etc/hostname");
  truth("via", "root/name");
  truth("removed", "root/etc/gone");
  make("root/etc/gone");
  truth("written", "root/etc/made");
  truth("directory", "root/etc");
  must(chroot("root"), "chroot");
  must(open("/etc/hostname", O_RDONLY), "hostname"); /* the working directory is still outside */
  must(open("/name", O_RDONLY), "name");
  must(chdir("/etc"), "chdir");
  must(open("hostname", O_RDONLY), "hostname");
  must(unlink("/etc/gone"), "unlink");
  must(creat("../../etc/made", 0644), "made");
  return 0;
}
