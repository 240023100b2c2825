/* A thread that is not the first replaces the whole process. */
#include "truth.h"
#include <pthread.h>

static void *replace(void *unused) {
  (void)unused;
  execl("/bin/cat", "cat", "given/data", (char *)NULL);
  die("execl");
  return NULL;
}

int main(void) {
  char path[PATH_MAX];
  truth("read", "given/data");
  truth("executed", realpath("/bin/cat", path));
  freopen("/dev/null", "w", stdout);
  int null = open("/dev/null", O_WRONLY);
  dup2(null, 1);
  pthread_t thread;
  pthread_create(&thread, NULL, replace, NULL);
  pthread_join(thread, NULL);
  return 1;
}
