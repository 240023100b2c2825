/* Linked statically: no loader, no library, nothing to preload. */
#include "truth.h"

int main(void) {
  readit("given/data");
  make("out");
  return 0;
}
