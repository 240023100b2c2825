# Makes an enclosure and runs programs in it: namespaces, mounts, pivot_root, capabilities, seccomp, exec.
#
# Perl, because its interpreter is on nearly every Linux machine, starts in three milliseconds and can call the kernel
# directly. Parameters come on descriptor 3 as NUL-terminated key, value, key, value …; what we have to say is
# appended to the same (unlinked) file as NUL-terminated fields. No module is loaded once the enclosure is entered:
# its files are a stranger's.
#
#   perl enter.pl MODE MACHINE
#   map    makes a user namespace of ours (subordinate ids, or our own id only) and runs a program as its root
#   hold   makes an enclosure and stays in it as its process 1 until nobody is in any more; with `then`, joins it
#          right away
#   join   enters a held enclosure and does one thing there
#   plain  does one thing here, or below a bare chroot
#
# Manuals: namespaces(7), user_namespaces(7), pivot_root(2), mount_setattr(2), setns(2), capabilities(7), prctl(2).
use strict;
use warnings;

our ($mode, $machine) = @ARGV;
our %nr = (
  open_tree => 428, pidfd_open => 434, close_range => 436, mount_setattr => 442, landlock_create_ruleset => 444,
  landlock_restrict_self => 446,
  $machine eq 'x64'
  ? (unshare => 272, setns => 308, mount => 165, umount2 => 166, pivot_root => 155, prctl => 157, setgroups => 116,
    setresuid => 117, setresgid => 119, keyctl => 250, mknodat => 259, sethostname => 170, utimensat => 280,
    lsetxattr => 189, lgetxattr => 192, fchownat => 260, setsid => 112, exit_group => 231)
  : (unshare => 97, setns => 268, mount => 40, umount2 => 39, pivot_root => 41, prctl => 167, setgroups => 159,
    setresuid => 147, setresgid => 149, keyctl => 219, mknodat => 33, sethostname => 161, utimensat => 88,
    lsetxattr => 6, lgetxattr => 9, fchownat => 54, setsid => 157, exit_group => 94),
);
use constant {
  NEWNS => 0x20000, NEWCGROUP => 0x2000000, NEWUTS => 0x4000000, NEWIPC => 0x8000000, NEWUSER => 0x10000000,
  NEWPID => 0x20000000, NEWNET => 0x40000000, AT_FDCWD => -100,
  RDONLY => 1, NOSUID => 2, NODEV => 4, NOEXEC => 8, REMOUNT => 32, BIND => 0x1000, REC => 0x4000, PRIVATE => 0x40000,
  SIGKILL => 9, ENOENT => 2, ESRCH => 3, EINTR => 4, ENOMEM => 12, EEXIST => 17, ENOSYS => 38,
};

our (%one, %many);
open our $report, '+<&=', 3 or die "descriptor 3: $!";
{
  my $all = '';
  1 while sysread $report, $all, 65536, length $all;
  my @fields = split /\0/, $all, -1;
  while (@fields > 1) {
    my ($key, $value) = splice @fields, 0, 2;
    $one{$key} = $value;
    push @{$many{$key}}, $value;
  }
}
(my $here = $0) =~ s{[^/]*$}{};

# Loaded before anything is entered.
my $action = $one{do} // 'exec';
require "${here}mounts.pl" if $mode eq 'hold';
require "${here}engine.pl" if $many{engine};
require "${here}leave.pl" if $mode ne 'map' && ($mode ne 'hold' || $one{then});
require "${here}files.pl" unless $action eq 'exec';
require "${here}terminal.pl" if $one{tty};

# Nobody inside may look into us: /proc/PID/exe of ours is a file of the host.
kernel('prctl', 4, 0, 0, 0, 0) unless $mode eq 'map';

if ($mode eq 'map') { map_user() }
elsif ($mode eq 'hold') { hold() }
elsif ($mode eq 'join') { join_held() }
elsif ($mode eq 'plain') { plain() }
else { die "no such mode: $mode\n" }

# Calls the kernel; numbers stay numbers, and -1 is undef.
sub kernel {
  my ($name, @arguments) = @_;
  my @values = map { defined $_ && /\A-?\d+\z/ ? $_ + 0 : $_ // 0 } @arguments; # copies: perl wants to write to them
  my $result = syscall($nr{$name}, @values);
  return $result == -1 ? undef : $result;
}

sub say_parent { syswrite $report, join '', map { "$_\0" } @_ }

# Ends us, and says at which step and why.
sub fail {
  my ($step, $why) = @_;
  my $errno = $! + 0;
  say_parent('failed', $step, $errno, $why // "$!");
  exit 125;
}

sub write_file {
  my ($path, $content) = @_;
  open my $file, '>', $path or return 0;
  my $done = syswrite $file, $content;
  close $file;
  return defined $done;
}

sub read_file {
  my ($path) = @_;
  open my $file, '<', $path or return undef;
  local $/;
  return scalar <$file>;
}

# A process's start time in clock ticks since boot, or undef where it is gone.
sub start_of {
  my $stat = read_file("/proc/$_[0]/stat") // return undef;
  $stat =~ s/^.*\) //s;
  my @fields = split / /, $stat;
  return $fields[0] =~ /^[ZX]/ || $fields[6] & 4 ? undef : $fields[19]; # PF_EXITING
}

# A user namespace in which we are root, and a program in it. Subordinate ids need newuidmap, which has to be called
# from outside of the namespace; without them only our own id is there.
sub map_user {
  my ($uid, $gid) = ($>, $) + 0);
  pipe my $made, my $making or fail('pipe');
  pipe my $mapped, my $mapping or fail('pipe');
  my $parent = $$;
  my $subordinate = $one{uids};
  my $helper = $subordinate ? fork // fail('fork') : undef;
  if (defined $helper && $helper == 0) {
    close $making;
    sysread $made, my $byte, 1;
    for (['newuidmap', $uid, $one{uids}], ['newgidmap', $gid, $one{gids}]) {
      my ($program, $own, $range) = @$_;
      my ($first, $count) = split /:/, $range;
      my @map = (0, $own, 1, 1, $first, $count);
      exit 1 if system({$program} $program, $parent, @map) != 0;
    }
    syswrite $mapping, 'm';
    exit 0;
  }
  kernel('unshare', NEWUSER) // fail('user namespace');
  if ($subordinate) {
    close $making;
    close $mapping;
    fail('subordinate ids', 'newuidmap refused') unless sysread $mapped, my $byte, 1;
    waitpid $helper, 0;
  } else {
    write_file('/proc/self/setgroups', 'deny');
    write_file('/proc/self/uid_map', "0 $uid 1\n") or fail('user id map');
    write_file('/proc/self/gid_map', "0 $gid 1\n") or fail('group id map');
  }
  kernel('setresgid', 0, 0, 0) // fail('setresgid');
  kernel('setresuid', 0, 0, 0) // fail('setresuid');
  # The program gets descriptor 3 as we got it.
  sysseek $report, 0, 0;
  fcntl($report, 2, 0);
  exec_program(@{$many{map}});
}

sub exec_program {
  my @argv = @_;
  no warnings 'exec';
  exec {$argv[0]} @argv;
  fail('exec');
}

# The enclosure: we are its keeper outside until it stands, and our child its process 1.
sub hold {
  my ($lock, $done);
  kernel('close_range', 5, 0x7fffffff, 0); # what our caller forgot to close would stay open as long as we hold
  $done = detach() if $many{engine};
  if (defined $one{state}) {
    chdir $one{state} or fail('state');
    open $lock, '>>', 'lock' or fail('lock');
    flock $lock, 2 | 4 or do { say_parent('busy'); exit 0 };
    defined kernel('mknodat', AT_FDCWD, "users\0", 010600, 0) or $! == EEXIST or fail('users');
  }
  kernel('keyctl', 1, 0); # a session keyring of our own: the caller's would come along
  my $flags = NEWNS | NEWPID | NEWIPC | NEWUTS | ($one{network} eq 'host' ? 0 : NEWNET);
  my $engine = $many{engine} ? open_engine(start_engine(), $flags) : undef;
  kernel('unshare', NEWPID) // fail('pid namespace');
  pipe my $up, my $child or fail('pipe');
  pipe my $answer, my $down or fail('pipe');
  my $pid = fork // fail('fork');
  if ($pid == 0) {
    kernel('setsid'); # the terminal's signals are for the program
    close $up;
    close $down;
    keep($flags, $lock, $child, $answer, $engine);
  }
  close $child;
  close $answer;
  if ($one{user}) {
    $flags |= NEWUSER;
    sysread $up, my $byte, 1 or gone($pid);
    # The map of the namespace that we are in ourselves, onto itself.
    for my $kind ('uid', 'gid') {
      my @lines = map { my ($inside, undef, $count) = split; "$inside $inside $count\n" } split /\n/,
        read_file("/proc/self/${kind}_map");
      write_file("/proc/$pid/${kind}_map", join '', @lines) or do { my $e = $!; kill 9, $pid; $! = $e; fail("$kind map") };
    }
    syswrite $down, 'm';
  }
  sysread $up, my $ready, 64 or gone($pid);
  my $start = start_of($pid) // fail('holder');
  my ($cgroup, $tree) = split / /, $ready;
  $flags |= NEWCGROUP if $cgroup;
  if (defined $one{state}) {
    write_file('holder.new', "$pid $start $flags $tree\n") && rename 'holder.new', 'holder' or fail('holder');
  }
  syswrite $down, 'g';
  say_parent('ready', $pid, $start, $flags, $tree);
  if (defined $done) {
    syswrite $done, "$pid $start $flags";
    watch_engine($pid);
  }
  exit 0 unless $one{then};
  close $_ for grep { defined } $up, $down, $lock;
  @one{qw(pid start flags)} = ($pid, $start, $flags);
  $mode = 'join';
  join_held();
}

# Process 1 did not come up: it has said why, or was ended.
sub gone { waitpid $_[0], 0; fail('holder', 'ended before it stood') unless $?>>8 == 125; exit 125 }

sub keep {
  my ($flags, $lock, $child, $answer, $engine) = @_;
  my ($users, $keeper);
  if (defined $one{state}) {
    sysopen $users, 'users', 04000 or fail('users'); # O_RDONLY | O_NONBLOCK
    if ($one{keep}) { sysopen $keeper, 'users', 02 or fail('users') } # our own writing end: we are a user, too
  }
  open my $life, '+<&=', 4 or fail('descriptor 4');
  kernel('prctl', 1, SIGKILL, 0, 0, 0); # our keeper dies: so do we, until we stand
  if (defined $engine) { enter_engine($engine) }
  else { kernel('unshare', $flags & ~NEWPID) // fail('namespaces') }
  my $cgroup = kernel('unshare', NEWCGROUP);
  my $tree = defined $engine ? adopt_mounts() : make_mounts();
  if ($flags & NEWNET) { loopback_up() } # while we are root of the namespace that owns the network's
  if ($one{user}) {
    kernel('unshare', NEWUSER) // fail('user namespace');
    syswrite $child, 'u';
    sysread $answer, my $byte, 1 or exit 125;
  }
  kernel('prctl', 38, 1, 0, 0, 0) // fail('no_new_privs');
  $SIG{CHLD} = 'IGNORE'; # the kernel reaps for us
  $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT PIPE TERM USR1 USR2);
  kernel('prctl', 1, 0, 0, 0, 0); # from here on, our keeper's end is told by its pipe
  # Who owns our namespace may enter it: also root of an engine's container, who has no SYS_PTRACE (ptrace(2), access
  # mode checking).
  kernel('prctl', 4, 1, 0, 0, 0);
  syswrite $child, (defined $cgroup ? 1 : 0) . ' ' . ($tree // '-');
  sysread $answer, my $byte, 1 or exit 125;
  close $_ for $child, $answer, $report;
  open STDIN, '<', '/dev/null';
  open STDOUT, '>', '/dev/null';
  open STDERR, '>', '/dev/null';
  $0 = 'repronim';
  drop_all();
  wait_for_users($life, $users);
  exit 0;
}

# Process 1 needs no capability for waiting. It keeps those that it has, which are all of its namespace: nobody inside
# has as many, so nobody inside may look into it.
sub drop_all {
  for my $capability (0 .. 63) { kernel('prctl', 24, $capability, 0, 0, 0) // last }
}

# First whoever started us, on a pipe; then whoever has the fifo open. `k` keeps us when nobody is in.
sub wait_for_users {
  my ($life, $users) = @_;
  my $kept = 0;
  my $commands = sub {
    $kept = 1 if $_[0] =~ /k/;
  };
  while (1) {
    my $size = sysread $life, my $bytes, 64;
    next if !defined $size && $! == EINTR;
    last if !$size;
    $commands->($bytes);
  }
  close $life;
  return unless defined $users;
  while (1) {
    my $bits = '';
    vec($bits, fileno $users, 1) = 1;
    my $size = sysread $users, my $bytes, 64;
    if ($size) { $commands->($bytes); next }
    if (!defined $size) { select $bits, undef, undef, undef; next } # somebody is in
    if ($kept) { sleep 1; next }
    # Nobody. Who comes now must see that we are closing, or be seen by us.
    kernel('prctl', 15, "closing\0", 0, 0, 0);
    $size = sysread $users, $bytes, 64;
    return if defined $size && $size == 0;
    kernel('prctl', 15, "repronim\0", 0, 0, 0);
    $commands->($bytes) if $size;
  }
}

# Enters the namespaces of a holder: all at once by its pidfd (Linux 5.8), else one after the other.
sub enter_held {
  my ($pid, $start, $flags) = @one{qw(pid start flags)};
  my $descriptor = kernel('pidfd_open', $pid, 0);
  my $now = start_of($pid);
  if (!defined $now || $now ne $start || (read_file("/proc/$pid/comm") // '') =~ /^closing/) { say_parent('gone'); exit 125 }
  return if defined $descriptor && defined kernel('setns', $descriptor, $flags);
  if ($! == ESRCH) { say_parent('gone'); exit 125 }
  my %kinds = (user => NEWUSER, cgroup => NEWCGROUP, ipc => NEWIPC, uts => NEWUTS, net => NEWNET, pid => NEWPID, mnt => NEWNS);
  my %open;
  for my $kind (keys %kinds) {
    next unless $flags & $kinds{$kind};
    open $open{$kind}, '<', "/proc/$pid/ns/$kind" or fail("$kind namespace");
  }
  # An ordinary user has to be root of the outer namespace of ours first.
  if ($> != 0 && $open{user}) {
    my $outer = ioctl $open{user}, 0xb702, 0;
    kernel('setns', $outer, NEWUSER) if $outer;
  }
  for my $kind (qw(cgroup ipc uts net pid mnt user)) {
    next unless $open{$kind};
    kernel('setns', fileno $open{$kind}, $kinds{$kind}) // fail("$kind namespace");
  }
}

sub join_held {
  die_with_parent();
  kernel('keyctl', 1, 0);
  enter_held();
  act_in_child();
}

sub plain {
  die_with_parent();
  if (defined $one{root}) {
    chroot $one{root} or fail('chroot');
    chdir '/' or fail('chroot');
  }
  act_in_child();
}

sub die_with_parent {
  kernel('prctl', 1, SIGKILL, 0, 0, 0);
  exit 125 if defined $one{parent} && getppid() != $one{parent};
}

# One child does the work; we wait, pass signals on, and end as it ended.
sub act_in_child {
  my $terminal = $one{tty} ? open_terminal() : undef;
  pipe my $alive, my $parent or fail('pipe');
  my $pid = fork;
  if (!defined $pid) { # process 1 of the namespace has gone
    if ($mode eq 'join' && $! == ENOMEM) { say_parent('gone'); exit 125 }
    fail('fork');
  }
  if ($pid == 0) {
    close $parent;
    take_terminal($terminal) if defined $terminal;
    leave_behind();
    kernel('prctl', 1, SIGKILL, 0, 0, 0);
    my $bits = '';
    vec($bits, fileno $alive, 1) = 1;
    exit 125 if select $bits, undef, undef, 0; # our parent ended before it could take us along
    close $alive;
    do_action();
    exit 0;
  }
  close $alive;
  # A terminal sends INT and QUIT to everybody itself.
  my @passed = (qw(TERM HUP USR1 USR2 CONT WINCH), -t STDIN || -t STDOUT || -t STDERR ? () : qw(INT QUIT));
  $SIG{$_} = 'IGNORE' for qw(INT QUIT);
  for my $signal (@passed) { $SIG{$signal} = sub { kill $signal, $pid } }
  relay_terminal($terminal) if defined $terminal;
  my $ended;
  do { $ended = waitpid $pid, 0 } while $ended == -1 && $! == EINTR;
  my $status = $?;
  exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
}

sub do_action {
  if ($action eq 'exec') { run_program() }
  elsif ($action eq 'write') { write_content() }
  elsif ($action eq 'untar') { untar() }
  elsif ($action eq 'tar') { tar() }
  elsif ($action eq 'devices') { make_missing_devices() }
  elsif ($action eq 'remove') { unlink @{$many{path}} }
  else { fail("action $action") }
}

sub run_program {
  my @argv = @{$many{arg}};
  %ENV = map { /^([^=]+)=(.*)$/s ? ($1 => $2) : () } @{$many{env} // []};
  filter_calls();
  close_behind();
  no warnings 'exec';
  exec {$argv[0]} @argv;
  my $missing = $! == ENOENT;
  print STDERR "repronim: $argv[0]: $!\n";
  kernel('exit_group', $missing ? 127 : 126); # perl's own exit would complain about what we closed
}
