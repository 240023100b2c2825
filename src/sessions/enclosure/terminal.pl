# A terminal of the enclosure's own for an interactive program, and what goes between it and ours. Nothing inside gets
# a descriptor of our terminal. The requests are those of ioctl_tty(2); termios as asm-generic has it.
use strict;
use warnings;

my ($TCGETS, $TCSETS, $TIOCSCTTY, $TIOCGWINSZ, $TIOCSWINSZ, $TIOCSPTLCK, $TIOCGPTPEER) =
  (0x5401, 0x5402, 0x540e, 0x5413, 0x5414, 0x40045431, 0x5441);

# The master's end, opened within the enclosure.
sub open_terminal {
  sysopen my $master, '/dev/ptmx', 02 | 0400 or fail('terminal'); # O_RDWR | O_NOCTTY
  my $unlocked = pack 'i', 0;
  ioctl $master, $TIOCSPTLCK, $unlocked or fail('terminal');
  copy_size(\*STDIN, $master);
  return $master;
}

sub copy_size {
  my ($from, $to) = @_;
  my $size = "\0" x 8;
  ioctl $from, $TIOCGWINSZ, $size and ioctl $to, $TIOCSWINSZ, $size;
}

# In the child: a session of its own, with that terminal for all three.
sub take_terminal {
  my ($master) = @_;
  kernel('setsid') // fail('session');
  my $peer = ioctl $master, $TIOCGPTPEER, 02 | 0400;
  fail('terminal') unless defined $peer;
  open my $slave, '+<&=', $peer + 0 or fail('terminal');
  ioctl $slave, $TIOCSCTTY, 0 or fail('terminal');
  open STDIN, '<&', $slave;
  open STDOUT, '>&', $slave;
  open STDERR, '>&', $slave;
  close $slave;
  close $master;
}

# In the parent: until the child has ended and its last output is shown.
sub relay_terminal {
  my ($master) = @_;
  my $before = "\0" x 64;
  my $is_terminal = ioctl STDIN, $TCGETS, $before;
  if ($is_terminal) {
    my ($input, $output, $control, $local, $rest) = unpack 'L4 a*', $before;
    # As cfmakeraw(3).
    $input &= ~02753;
    $output &= ~01;
    $local &= ~0100113;
    $control = $control & ~0460 | 060;
    my $raw = pack 'L4 a*', $input, $output, $control, $local, $rest;
    ioctl STDIN, $TCSETS, $raw;
  }
  my $ended = 0;
  local $SIG{WINCH} = sub { copy_size(\*STDIN, $master) };
  local $SIG{CHLD} = sub { $ended = 1 };
  my $typing = 1;
  while (1) {
    my $bits = '';
    vec($bits, fileno $master, 1) = 1;
    vec($bits, fileno STDIN, 1) = 1 if $typing;
    # What was left running in the background may keep the terminal open: it is not waited for.
    my $count = select $bits, undef, undef, $ended ? 0.02 : 1;
    next if $count == -1;
    last if $count == 0 && $ended;
    if (vec $bits, fileno $master, 1) {
      my $size = sysread $master, my $bytes, 65536;
      next if !defined $size && $! == 4;
      last unless $size; # EIO: nobody has the other end open any more
      syswrite STDOUT, $bytes;
    }
    if ($typing && vec $bits, fileno STDIN, 1) {
      my $size = sysread STDIN, my $bytes, 65536;
      if ($size) { syswrite $master, $bytes }
      elsif (defined $size) { $typing = 0; syswrite $master, "\4" }
    }
  }
  ioctl STDIN, $TCSETS, $before if $is_terminal;
}

1;
