/* Is owned by root, setuid, and run by somebody else: says as whom it runs. */
#include "truth.h"

int main(void) {
  readit("given/data");
  return 0;
}
