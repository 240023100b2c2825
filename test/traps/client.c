/* Asks a daemon behind a socket (its path is the argument), and an address on the network. */
#include "truth.h"
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv) {
  (void)argc;
  struct sockaddr_un unix_address = {.sun_family = AF_UNIX};
  snprintf(unix_address.sun_path, sizeof unix_address.sun_path, "%s", argv[1]);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  must(connect(fd, (void *)&unix_address, sizeof unix_address), "connect");
  char answer[16];
  if (read(fd, answer, sizeof answer) <= 0) die("read");
  truth("socket", argv[1]);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  must(connect(socket(AF_INET, SOCK_DGRAM, 0), (void *)&address, sizeof address), "connect");
  printf("{\"socket\": \"127.0.0.1:9\"}\n");
  return 0;
}
