/* In a pid namespace of its own, where the numbers of its children are not those that a tracer sees. Needs root. */
#include "truth.h"

int main(void) {
  must(mkdir("deep", 0755), "mkdir");
  truth("written", "deep");
  if (unshare(CLONE_NEWPID) < 0) return 77;
  if (fork() == 0) {
    must(chdir("deep"), "chdir");
    for (int i = 0; i < 20; i++)
      if (fork() == 0) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        must(mkdir(name, 0755), name);
        truth("written", name);
        must(rmdir(name), name);
        truth("removed", name);
        _exit(0);
      }
    while (wait(NULL) > 0) {}
    _exit(0);
  }
  wait(NULL);
  return 0;
}
