/* A file that is opened by its handle: no name in the call at all. */
#include "truth.h"

int main(void) {
  struct { struct file_handle head; char rest[MAX_HANDLE_SZ]; } handle;
  int mount;
  handle.head.handle_bytes = MAX_HANDLE_SZ;
  if (name_to_handle_at(AT_FDCWD, "given/data", &handle.head, &mount, 0) < 0) return 77;
  int here = must(open(".", O_RDONLY | O_DIRECTORY), ".");
  int fd = open_by_handle_at(here, &handle.head, O_RDONLY);
  if (fd < 0) return 77;
  truth("read", "given/data");
  return 0;
}
