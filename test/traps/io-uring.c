/* Opens a file through io_uring; where it is refused, in the ordinary way, as liburing's users do. */
#include "truth.h"
#include <linux/io_uring.h>
#include <sys/mman.h>

static int through_uring(const char *name) {
  struct io_uring_params params = {0};
  int ring = syscall(SYS_io_uring_setup, 4, &params);
  if (ring < 0) return -1;
  size_t ssize = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  size_t csize = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
  char *sq = mmap(0, ssize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
  char *cq = mmap(0, csize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_CQ_RING);
  struct io_uring_sqe *sqes = mmap(0, params.sq_entries * sizeof *sqes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
  if (sq == MAP_FAILED || cq == MAP_FAILED || (void *)sqes == MAP_FAILED) die("mmap");
  memset(sqes, 0, sizeof *sqes);
  sqes->opcode = IORING_OP_OPENAT;
  sqes->fd = AT_FDCWD;
  sqes->addr = (unsigned long)name;
  sqes->open_flags = O_RDONLY;
  *(unsigned *)(sq + params.sq_off.array) = 0;
  __atomic_store_n((unsigned *)(sq + params.sq_off.tail), 1, __ATOMIC_RELEASE);
  if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0) return -1;
  return ((struct io_uring_cqe *)(cq + params.cq_off.cqes))->res;
}

int main(void) {
  int fd = through_uring("given/data");
  if (fd < 0) fd = must(open("given/data", O_RDONLY), "open");
  truth("read", "given/data");
  return 0;
}
