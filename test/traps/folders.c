/* Working directories: an empty one, a linked one, those of children and of threads that share theirs. */
#include "truth.h"
#include <pthread.h>

static void *shared(void *unused) {
  (void)unused;
  must(chdir("given"), "chdir");
  return NULL;
}

int main(void) {
  char box[PATH_MAX];
  if (!getcwd(box, sizeof box)) die("getcwd");
  must(mkdir("empty", 0755), "mkdir");
  truth("written", "empty");
  must(chdir("empty"), "chdir");
  char here[PATH_MAX];
  truth("directory", getcwd(here, sizeof here));
  must(chdir(".."), "chdir");
  must(symlink("given", "lent"), "symlink");
  truth("written", "lent");
  if (fork() == 0) {
    must(chdir("lent"), "chdir");
    truth("directory", getcwd(here, sizeof here));
    must(rename("log", "log.1"), "rename");
    truth("removed", "log");
    truth("written", "log.1");
    must(chdir("../empty"), "chdir");
    make("not-empty");
    must(unlink("not-empty"), "unlink");
    truth("removed", "not-empty");
    _exit(0);
  }
  wait(NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, shared, NULL);
  pthread_join(thread, NULL);
  must(unlink("other"), "unlink"); /* in given: the thread has moved us there */
  truth("removed", "other");
  return 0;
}
