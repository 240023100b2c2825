# What a process gives up before it runs a stranger's program: privileges that can't come back, calls of the kernel,
# descriptors. Manuals: capabilities(7), prctl(2), seccomp(2), landlock(7), user_namespaces(7).
use strict;
use warnings;
our (%one, %many, $machine);

# At most what Docker leaves by default, less what helps leaving (SYS_CHROOT, MKNOD) and AUDIT_WRITE:
# CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SETFCAP
my %left = map { ($_ => 1) } 0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 31;

sub leave_behind {
  my ($uid, $gid) = ($one{uid} // 0, $one{gid} // 0);
  my $restricted = $one{restrict};
  if ($restricted) {
    kernel('prctl', 38, 1, 0, 0, 0) // fail('no_new_privs');
    own_map($uid, $gid);
    kernel('prctl', 47, 4, 0, 0, 0); # no ambient ones
    for my $capability (0 .. 63) {
      next if $left{$capability};
      kernel('prctl', 24, $capability, 0, 0, 0) // last;
    }
    fail('capabilities', 'SYS_ADMIN is still there') if kernel('prctl', 23, 21, 0, 0, 0);
    scope_sockets() if $one{scope};
  }
  if (defined $one{uid}) {
    my @groups = map { $_ + 0 } split / /, $one{groups} // '';
    # Refused where only one id is mapped: there are no groups to give up, then.
    kernel('setgroups', scalar @groups, pack('L*', @groups)) // ($restricted && one_id() || fail('groups'));
    kernel('setresgid', $gid, $gid, $gid) // fail('group', "group $gid is not there: $!");
    kernel('setresuid', $uid, $uid, $uid) // fail('user', "user $uid is not there: $!");
  }
  umask($one{umask} // 022);
  return unless defined $one{cwd};
  chdir $one{cwd} or $! == ENOENT() && defined $one{otherwise} && chdir $one{otherwise} or fail('directory', "$one{cwd}: $!");
}

sub id_map { map { [split] } split /\n/, read_file("/proc/self/$_[0]_map") // '' }

sub one_id { my @map = id_map('gid'); return @map == 1 && $map[0][2] == 1 }

# Where only one id is there (an ordinary user without subordinate ids), whoever is asked for is that one.
sub own_map {
  my ($uid, $gid) = @_;
  return if $uid == 0 && $gid == 0;
  return unless one_id();
  kernel('unshare', 0x10000000) // fail('user namespace');
  # Only who may be looked into can write its own map. Others inside might look then: they find a process that can do
  # no more than they can.
  filter_calls();
  kernel('prctl', 4, 1, 0, 0, 0);
  write_file('/proc/self/setgroups', 'deny');
  write_file('/proc/self/uid_map', "$uid 0 1\n") or fail('user id map');
  write_file('/proc/self/gid_map', "$gid 0 1\n") or fail('group id map');
  kernel('prctl', 4, 0, 0, 0, 0);
}

# With the host's network, its abstract sockets would be there too (Linux 6.12).
sub scope_sockets {
  my $rules = kernel('landlock_create_ruleset', pack('Q3', 0, 0, 1), 24, 0) // return;
  kernel('landlock_restrict_self', $rules, 0);
}

sub close_behind {
  return if defined kernel('close_range', 3, 0x7fffffff, 0);
  for my $descriptor (3 .. 255) {
    open my $file, '<&=', $descriptor or next;
    close $file;
  }
}

# Calls that are refused, by architecture as the kernel names it (AUDIT_ARCH_…). EPERM for all, as without the
# capability; clone3 is ENOSYS, since its flags can't be seen and libraries then use clone. Numbers above `last` are
# of calls that did not exist when this was written: ENOSYS. From 424 on all architectures have the same numbers.
my @new = (425 .. 427, 428 .. 433, 442, 443, 467);
my %refused = (
  0xc000003e => { # x86_64
    clone => 56, clone3 => 435, unshare => 272, ioctl => 16, socket => 41, owners => [92 .. 94, 116, 260],
    calls => [103, 134, 136, 139, 153, 155, 156, 163 .. 180, 212, 227, 246, 248 .. 250, 298, 300, 304, 305, 308, 313,
      320, 321, 323, @new],
  },
  0x40000003 => { # i386
    clone => 120, clone3 => 435, unshare => 310, ioctl => 54, socket => 359,
    owners => [16, 81, 95, 182, 198, 206, 207, 212, 298],
    calls => [21, 22, 25, 51, 52, 74, 79, 86 .. 88, 101 .. 103, 110, 111, 113, 115, 121, 127 .. 131, 135, 149, 166,
      167, 169, 217, 253, 264, 283, 286 .. 288, 336, 338, 342, 343, 346, 350, 357, 374, 404, 405, @new],
  },
  (map { ($_ => { # arm64, riscv64, loongarch64
    clone => 220, clone3 => 435, unshare => 97, ioctl => 29, socket => 198, owners => [54, 55, 159],
    calls => [18, 39 .. 42, 58, 60, 89, 104 .. 106, 112, 116, 142, 161, 162, 170, 217 .. 219, 224, 225, 241, 262, 265,
      266, 268, 273, 280, 282, 294, @new],
  }) } 0xc00000b7, 0xc00000f3, 0xc0000102),
);
my $last = 469;

my ($EPERM, $ENOSYS_, $EAFNOSUPPORT) = (1, 38, 97);
my ($LOAD, $EQUAL, $GREATER, $ANY, $RETURN) = (0x20, 0x15, 0x25, 0x45, 0x06);
my ($ALLOW, $ERROR) = (0x7fff0000, 0x00050000);

my $filtered = 0;

sub filter_calls {
  return if $filtered++ || !$one{restrict};
  my $pretend = one_id() && !$one{uid} && !$one{watched};
  my $filter = join '', map { architecture_filter($_, $refused{$_}, $pretend) } sort keys %refused;
  $filter = instruction($LOAD, 0, 0, 4) . $filter . instruction($RETURN, 0, 0, $ERROR | $ENOSYS_);
  my $program = pack('S x6 P', length($filter) / 8, $filter);
  kernel('prctl', 22, 2, $program, 0, 0) // fail('seccomp');
}

sub instruction { pack 'S C C L', @_ }

sub architecture_filter {
  my ($architecture, $refused, $pretend) = @_;
  my $refuse = sub { instruction($RETURN, 0, 0, $ERROR | $_[0]) };
  my $argument = sub { instruction($LOAD, 0, 0, 16 + 8 * $_[0]) }; # its low half
  my $body = instruction($LOAD, 0, 0, 0);
  my $when = sub { my ($number, $then) = @_; $body .= instruction($EQUAL, 0, length($then) / 8, $number) . $then };
  $body .= instruction($GREATER, 0, 1, $last) . $refuse->($ENOSYS_);
  my @numbers = sort { $a <=> $b } @{$refused->{calls}};
  $body .= instruction($EQUAL, 0, 1, $_) . $refuse->($EPERM) for @numbers;
  # Where only one id is there, root's changes of owners can't succeed, and packages need them to: nothing is done, and
  # that is called success.
  if ($pretend) { $body .= instruction($EQUAL, 0, 1, $_) . $refuse->(0) for @{$refused->{owners}} }
  my $namespaces = instruction($ANY, 0, 1, 0x7e020000) . $refuse->($EPERM) . instruction($RETURN, 0, 0, $ALLOW);
  $when->($refused->{clone}, $argument->(0) . $namespaces);
  $when->($refused->{unshare}, $argument->(0) . instruction($ANY, 0, 1, 0x7e020080) . $refuse->($EPERM)
    . instruction($RETURN, 0, 0, $ALLOW));
  $when->($refused->{clone3}, $refuse->($ENOSYS_));
  # TIOCSTI and TIOCLINUX type into the terminal that we came from.
  $when->($refused->{ioctl}, $argument->(1) . instruction($EQUAL, 1, 0, 0x5412) . instruction($EQUAL, 0, 1, 0x541c)
    . $refuse->($EPERM) . instruction($RETURN, 0, 0, $ALLOW));
  # Only families that a network namespace holds: unix, inet, inet6, netlink, packet. Others (vsock) reach the machine.
  $when->($refused->{socket}, $argument->(0) . join('', map { instruction($EQUAL, 5 - $_->[0], 0, $_->[1]) }
      [1, 1], [2, 2], [3, 10], [4, 16]) . instruction($EQUAL, 0, 1, 17) . instruction($RETURN, 0, 0, $ALLOW)
    . $refuse->($EAFNOSUPPORT));
  $body .= instruction($RETURN, 0, 0, $ALLOW);
  # The number of instructions may be more than a conditional jump can skip: jump over it with JA.
  return instruction($EQUAL, 1, 0, $architecture) . instruction(0x05, 0, 0, length($body) / 8) . $body;
}

1;
