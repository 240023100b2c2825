/* Many threads and processes at once: every call is printed in two halves. */
#include "truth.h"
#include <pthread.h>

static void *work(void *number) {
  char name[32];
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "t%ld-%d", (long)number, i);
    close(must(open(name, O_WRONLY | O_CREAT | O_EXCL, 0600), name));
    close(must(open(name, O_RDONLY), name));
    close(must(open("given/data", O_RDONLY), "data"));
    if (open("missing", O_RDONLY) >= 0) die("missing");
  }
  return NULL;
}

int main(void) {
  pthread_t threads[8];
  char name[32];
  pid_t child = fork();
  long base = child == 0 ? 8 : 0;
  for (long i = 0; i < 8; i++) pthread_create(&threads[i], NULL, work, (void *)(base + i));
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  if (child == 0) _exit(0);
  wait(NULL);
  truth("read", "given/data");
  for (int t = 0; t < 16; t++)
    for (int i = 0; i < 100; i++) {
      snprintf(name, sizeof name, "t%d-%d", t, i);
      truth("written", name);
      truth("read", name);
    }
  return 0;
}
