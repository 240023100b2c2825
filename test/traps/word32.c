/* A program of the other personality of the machine: other numbers for the same calls. */
#include "truth.h"

int main(void) {
  readit("given/data");
  make("out");
  must(rename("out", "out.1"), "rename");
  truth("removed", "out");
  truth("written", "out.1");
  return 0;
}
