/* vfork, posix_spawn, fexecve, execveat, names relative to a folder that has changed. */
#include "truth.h"
#include <spawn.h>

extern char **environ;

static void done(pid_t child) {
  int status;
  must(waitpid(child, &status, 0), "wait");
  if (status != 0) exit(98);
}

int main(int argc, char **argument) {
  char path[PATH_MAX];
  if (argc > 1) return argument[1][0] == 'a' ? 0 : 1; /* we are ourselves again */
  char *argv[] = {"tool", NULL};
  truth("executed", realpath("/bin/sh", path));
  truth("executed", "given/tool");
  pid_t child = vfork();
  if (child == 0) {
    execl("given/tool", "tool", (char *)NULL);
    _exit(1);
  }
  done(child);
  must(chdir("given"), "chdir");
  if (posix_spawn(&child, "./tool-2", NULL, NULL, argv, environ) != 0) die("spawn");
  done(child);
  truth("executed", "tool-2");
  must(chdir(".."), "chdir");
  int fd = must(open("given/tool-3", O_RDONLY), "tool-3"); /* not O_CLOEXEC: the script is read by its descriptor */
  if ((child = fork()) == 0) {
    fexecve(fd, argv, environ);
    _exit(1);
  }
  done(child);
  truth("executed", "given/tool-3");
  int folder = must(open("given", O_RDONLY | O_DIRECTORY), "given");
  truth("directory", "given");
  if ((child = fork()) == 0) {
    syscall(SYS_execveat, folder, "tool-4", argv, environ, 0);
    _exit(1);
  }
  done(child);
  truth("executed", "given/tool-4");
  if ((child = fork()) == 0) {
    execl("/proc/self/exe", "again", "again", (char *)NULL);
    _exit(1);
  }
  done(child);
  path[must(readlink("/proc/self/exe", path, sizeof path - 1), "exe")] = 0;
  truth("executed", path);
  close(must(open("/etc/mtab", O_RDONLY), "mtab")); /* a link to something of the process's own */
  truth("read", "/etc/mtab");
  int looked = must(open("/bin/true", O_PATH), "true");
  if ((child = fork()) == 0) {
    syscall(SYS_execveat, looked, "", argv, environ, AT_EMPTY_PATH);
    _exit(1);
  }
  done(child);
  truth("executed", realpath("/bin/true", path));
  return 0;
}
