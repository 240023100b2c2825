/* Forks twice, lets go of everything, and works on when the command has long ended. */
#include "truth.h"

int main(void) {
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      must(chdir("given"), "chdir");
      usleep(600000);
      close(must(open("data", O_RDONLY), "data"));
      make("late");
      _exit(0);
    }
    _exit(0);
  }
  wait(NULL);
  truth("read", "given/data");
  return 0;
}
