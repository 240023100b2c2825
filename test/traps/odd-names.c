/* Names that a parser may stumble over. */
#include "truth.h"

int main(void) {
  static char longest[256];
  memset(longest, 'n', 255);
  const char *names[] = {
      "two words", "new\nline", "tab\tquote\"'", "a<b>c", "back\\slash\\\\", "\\303", " = 3<etc>", "x) = 0",
      "gr\303\274n", "bad\377\376byte", "half\303", "\360\237\247\240", "<unfinished ...>", "(deleted)", "f (deleted)", "0\\1", "$(touch gone)", "`x`",
      "+++ exited with 0 +++", "99999 openat(AT_FDCWD, \"y\", O_RDONLY) = 3<y>", "\001\002\177", "\"", ", O_RDONLY|O_CREAT) = 3<z", longest};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    make(names[i]);
    readit(names[i]);
  }
  must(mkdir("d\303\244 <\n>\"", 0755), "mkdir");
  truth("written", "d\303\244 <\n>\"");
  must(chdir("d\303\244 <\n>\""), "chdir");
  { char here[PATH_MAX]; truth("directory", getcwd(here, sizeof here)); }
  make("in\377side");
  readit("in\377side");
  must(rename("in\377side", "out <side>"), "rename");
  truth("removed", "in\377side");
  truth("written", "out <side>");
  must(symlink("out <side>", "li\nnk"), "symlink");
  truth("written", "li\nnk");
  must(open("li\nnk", O_RDONLY), "open");
  truth("read", "out <side>");
  truth("via", "li\nnk");
  return 0;
}
