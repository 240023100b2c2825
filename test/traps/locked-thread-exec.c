/* As Go programs do it: busy threads, and one that was made by clone itself executes a relative name. */
#include "truth.h"
#include <pthread.h>

static void *busy(void *name) {
  for (;;) {
    int fd = open(name, O_RDONLY);
    if (fd >= 0) close(fd);
  }
  return NULL;
}

static void *replace(void *unused) {
  (void)unused;
  usleep(20000);
  execl("./given/tool", "tool", (char *)NULL);
  die("execl");
  return NULL;
}

int main(void) {
  char path[PATH_MAX];
  truth("read", "given/data");
  truth("executed", "given/tool");
  truth("executed", realpath("/bin/sh", path));
  pthread_t threads[5];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, busy, "given/data");
  pthread_create(&threads[4], NULL, replace, NULL);
  pthread_join(threads[4], NULL);
  return 1;
}
