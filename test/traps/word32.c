/* A program of the other word size: other numbers for the same calls. Needs no 32-bit library, so it brings no libc;
   its box is its argument. */
static int call(int number, const void *a, int b, int c) {
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}

static void say(const char *text) {
  int length = 0;
  while (text[length]) length++;
  __asm__ volatile("int $0x80" : : "a"(4), "b"(1), "c"(text), "d"(length) : "memory");
}

static void truth(const char *what, const char *box, const char *name) {
  say("{\"");
  say(what);
  say("\": \"");
  say(box);
  say(name);
  say("\"}\n");
}

void start(int *stack) {
  const char *box = (const char *)stack[2];
  int failed = call(5, "given/data", 0, 0) < 0;
  truth("read", box, "/given/data");
  failed |= call(8, "out", 0644, 0) < 0;
  failed |= call(38, "out", (int)"out.1", 0) < 0;
  truth("removed", box, "/out");
  truth("written", box, "/out.1");
  failed |= call(92, "given/other", 0, 0) < 0;
  truth("written", box, "/given/other");
  failed |= call(12, "given", 0, 0) < 0;
  truth("directory", box, "/given");
  failed |= call(10, "log", 0, 0) < 0;
  truth("removed", box, "/given/log");
  call(1, (void *)failed, 0, 0);
}

__asm__(".globl _start\n_start: mov %esp, %eax\npush %eax\ncall start");
