# Programs that try to leave: `perl - NAME ARGUMENTS < attacks.pl`. Each prints REACHED and what, or kept and why.
# They are run confined, where every one has to be kept, and outside or below a bare chroot, where every one has to
# reach: so that none passes because it does not work. x86_64's system call numbers.
use strict;
use warnings;

my ($name, @given) = @ARGV;
my %attack;

sub reached { print "REACHED @_\n"; exit 0 }
sub kept { print "kept @_\n"; exit 0 }
# Arguments are copied: perl wants to write to them. Digits are numbers.
sub call { my @c = map { /\A-?\d+\z/ ? $_ + 0 : $_ } @_; my $r = syscall($c[0], @c[1 .. $#c]); return $r == -1 ? undef : $r }
sub slurp { my ($file) = @_; open my $f, '<', $file or return undef; local $/; return scalar <$f> }
sub canary { my ($file) = @_; my $text = slurp($file) // return 0; return $text =~ /canary/ }

# The classic: a second chroot leaves the working directory outside of it.
$attack{'chroot'} = sub {
  my ($canary) = @_;
  mkdir '/tmp/second';
  chroot '/tmp/second' or kept("chroot: $!");
  chdir '..' for 1 .. 64;
  chroot '.' or kept("chroot: $!");
  canary($canary) ? reached($canary) : kept('the same root');
};

$attack{'paths'} = sub {
  my ($canary) = @_;
  for my $start ('', '/..', map { ("$_/root", "$_/cwd") } glob '/proc/[0-9]*') {
    reached("$start$canary") if canary("$start$canary") || canary("$start/../../../../../..$canary");
  }
  for my $fd (glob '/proc/[0-9]*/fd/*') { reached("$fd$canary") if canary("$fd$canary") || canary("$fd/../../../..$canary") }
  kept('no path leads there');
};

$attack{'first-exe'} = sub {
  my ($pid) = @_;
  open my $exe, '<', "/proc/$pid/exe" or kept("/proc/$pid/exe: $!");
  reached("/proc/$pid/exe can be read, and written when it has ended");
};

$attack{'first-memory'} = sub {
  my ($pid) = @_;
  open my $memory, '+<', "/proc/$pid/mem" or kept("/proc/$pid/mem: $!");
  reached("/proc/$pid/mem");
};

$attack{'kernel-settings'} = sub {
  my @open;
  for my $file (qw(/proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/swappiness /proc/sys/fs/file-max
    /proc/sysrq-trigger /proc/sys/net/ipv4/ip_forward /sys/kernel/profiling /sys/kernel/mm/ksm/run)) {
    push @open, $file if -e $file && sysopen my $f, $file, 1;
  }
  @open ? reached(@open) : kept('none can be written');
};

$attack{'kernel-memory'} = sub {
  for my $file (qw(/proc/kcore /proc/kmsg /dev/mem /dev/kmsg)) {
    next unless sysopen my $f, $file, 04000;
    my $bytes;
    my $size = sysread $f, $bytes, 4096;
    reached($file) if $size;
  }
  my $buffer = "\0" x 4096;
  my $size = call(103, 3, $buffer, 4096); # syslog(SYSLOG_ACTION_READ_ALL)
  $size ? reached('syslog') : kept("nothing to read: $!");
};

$attack{'mknod'} = sub {
  my ($type, $major, $minor, $folder) = @_;
  my $path = "$folder/attack-device";
  unlink $path;
  defined call(133, $path, ($type eq 'b' ? 060000 : 020000) | 0666, $major << 8 | $minor) or kept("mknod: $!");
  my $done = open my $f, '<', $path;
  my $why = $!;
  unlink $path;
  $done ? reached($path) : kept("open: $why");
};

$attack{'device-node'} = sub {
  my ($path) = @_;
  -b $path || -c $path or reached("$path is no device: the attack does not work");
  open my $f, '<', $path or kept("$path: $!");
  reached($path);
};

$attack{'mount'} = sub {
  mkdir '/tmp/mnt';
  for my $type (qw(tmpfs proc sysfs devtmpfs cgroup cgroup2 overlay)) {
    my ($source, $target) = ('none', '/tmp/mnt');
    reached("mount $type") if defined call(165, $source, $target, $type, 0, 0);
  }
  my ($from, $to) = ('/proc/sys', '/tmp/mnt');
  reached('bind') if defined call(165, $from, $to, 0, 4096, 0);
  my $why = $!;
  for my $path (qw(/proc/sys /proc/kcore /proc /dev /)) {
    reached("remount $path") if defined call(165, 0, my $p = $path, 0, 32 | 4096, 0);
    reached("umount $path") if $path ne '/' && defined call(166, my $q = $path, 2);
  }
  kept("mount: $why");
};

$attack{'new-mount-calls'} = sub {
  my $type = 'tmpfs';
  reached('fsopen') if defined call(430, $type, 0);
  my $why = $!;
  my $path = '/proc/sys';
  reached('open_tree') if defined call(428, -100, $path, 1);
  my $attributes = pack 'Q4', 0, 1, 0, 0;
  reached('mount_setattr') if defined call(442, -100, $path, 0, $attributes, 32);
  kept("fsopen: $why");
};

$attack{'pivot-root'} = sub {
  my ($new, $old) = ('.', '.');
  chdir '/tmp';
  my $done = defined call(155, $new, $old);
  # Outside, it is refused for another reason: the folder is no mount.
  $! == 22 || $! == 16 || $done ? reached('pivot_root is asked about') : kept("pivot_root: $!");
};

$attack{'namespaces'} = sub {
  for (['user', 0x10000000], ['mount', 0x20000], ['user and mount', 0x10020000], ['net', 0x40000000], ['time', 0x80]) {
    my ($kind, $flags) = @$_;
    my $pid = fork;
    if (!$pid) { exit(defined call(272, $flags) ? 0 : 1) }
    waitpid $pid, 0;
    reached("unshare $kind") if $? == 0;
  }
  my $pid = call(56, 0x10000000 | 17, 0, 0, 0, 0); # clone(CLONE_NEWUSER | SIGCHLD)
  if (defined $pid && $pid == 0) { call(60, 0) }
  if (defined $pid) { waitpid $pid, 0; reached('clone') }
  my $arguments = pack 'Q8', 0x10000000, 0, 0, 0, 17, 0, 0, 0;
  $pid = call(435, $arguments, 64);
  if (defined $pid && $pid == 0) { call(60, 0) }
  if (defined $pid) { waitpid $pid, 0; reached('clone3') }
  kept("clone3: $!");
};

$attack{'setns'} = sub {
  my ($pid) = @_;
  my @joined;
  for my $kind (qw(user mnt pid net ipc uts)) {
    open my $f, '<', "/proc/$pid/ns/$kind" or next;
    my $child = fork;
    if (!$child) { exit(defined call(308, fileno $f, 0) ? 0 : 1) }
    waitpid $child, 0;
    push @joined, $kind if $? == 0;
  }
  @joined ? reached(@joined) : kept("none of them: $!");
};

$attack{'same-namespaces'} = sub {
  my (@outer) = @_; # kind=[inode]
  my @same = grep { my ($kind, $id) = split /=/; (readlink "/proc/self/ns/$kind") =~ /\Q$id\E/ } @outer;
  @same ? reached(@same) : kept('all are others');
};

$attack{'kill'} = sub {
  my ($pid) = @_;
  $SIG{TERM} = 'IGNORE';
  my $done = kill 'TERM', $pid;
  my $why = $!;
  $done ? reached("signal to $pid") : kept("kill: $why");
};

$attack{'kill-all'} = sub {
  # Not run outside. What is inside dies; whether the process outside does, the test sees.
  $SIG{$_} = 'IGNORE' for qw(TERM HUP INT);
  kill $_, -1, 1 for qw(TERM HUP INT);
  kill 'KILL', 1;
  kept('asked');
};

$attack{'ptrace'} = sub {
  my ($pid) = @_;
  defined call(101, 16, $pid, 0, 0) or kept("ptrace: $!");
  waitpid $pid, 0x40000000;
  call(101, 17, $pid, 0, 0);
  reached("process $pid");
};

$attack{'read-memory'} = sub {
  my ($pid) = @_;
  my $local = "\0" x 8;
  my $vector = pack 'P Q', $local, 8;
  my $remote = pack 'Q Q', 0x400000, 8;
  defined call(310, $pid, $vector, 1, $remote, 1, 0) || $! == 14 ? reached("process $pid") : kept("process_vm_readv: $!");
};

$attack{'file-handle'} = sub {
  my ($anchor, $handle) = @_;
  open my $mount, '<', $anchor or reached("$anchor: $!: the attack does not work");
  my $bytes = pack 'H*', $handle;
  my $fd = call(304, fileno $mount, $bytes, 0) // kept("open_by_handle_at: $!");
  open my $f, '<&=', $fd;
  my $text = <$f>;
  ($text // '') =~ /canary/ ? reached('the file by its handle') : kept('something else');
};

$attack{'unix-socket'} = sub {
  my ($path) = @_;
  $path =~ s/^@/\0/;
  socket my $s, 1, 1, 0 or kept("socket: $!");
  connect $s, pack 'S a*', 1, $path or kept("connect: $!");
  reached('connected');
};

$attack{'tcp'} = sub {
  my ($port, @addresses) = @_;
  for my $address (@addresses) {
    socket my $s, 2, 1, 0 or kept("socket: $!");
    local $SIG{ALRM} = sub { die };
    my $done = eval { alarm 2; my $r = connect $s, pack('S n C4 x8', 2, $port, split /\./, $address); alarm 0; $r };
    alarm 0;
    reached("$address:$port") if $done;
  }
  kept("connect: $!");
};

$attack{'vsock'} = sub {
  socket my $s, 40, 1, 0 or kept("socket: $!");
  reached('AF_VSOCK');
};

$attack{'type-ahead'} = sub {
  open my $master, '+<', '/dev/ptmx' or kept("ptmx: $!");
  my ($zero, $number) = (pack('i', 0), pack('i', 0));
  ioctl $master, 0x40045431, $zero;
  ioctl $master, 0x80045430, $number;
  my $pid = fork;
  if (!$pid) {
    call(112);
    open my $slave, '+<', '/dev/pts/' . unpack 'i', $number or exit 1;
    ioctl $slave, 0x540e, 0;
    my $byte = 'x';
    exit(ioctl($slave, 0x5412, $byte) ? 0 : 1);
  }
  waitpid $pid, 0;
  $? == 0 ? reached('TIOCSTI') : kept('refused');
};

$attack{'set-user-id'} = sub {
  my ($program) = @_;
  my $said = `$program -u`;
  $said == 0 ? reached("euid $said") : kept("euid $said");
};

$attack{'keyring'} = sub {
  my ($type, $description) = ('user', 'repronim-canary');
  my $key = call(249, $type, $description, 0, 0); # request_key
  $key //= call(250, 10, -4, $type, $description, 0); # keyctl(KEYCTL_SEARCH, @u)
  defined $key or kept("request_key: $!");
  my $secret = "\0" x 64;
  my $size = syscall 250, 11, $key, $secret, 64;
  kept("read: $!") if $size < 0;
  reached(substr $secret, 0, $size);
};

# Calls that are refused before anything else is looked at: wrong arguments are never seen.
$attack{'refused-calls'} = sub {
  my %calls = (
    bpf => [321, 99, 0, 0], perf_event_open => [298, 0, 0, 0, 0, 0], userfaultfd => [323, 0xffff],
    io_uring_setup => [425, 0, 0], finit_module => [313, -1, 0, 0], init_module => [175, 0, 0, 0],
    delete_module => [176, 0, 0xffffffff], kexec_load => [246, 0, 0, 0, 0xffff], reboot => [169, 0, 0, 0, 0],
    settimeofday => [164, 1, 0], clock_settime => [227, 99, 0], swapon => [167, 0, 0], acct => [163, 1],
    quotactl => [179, 0xffffffff, 0, 0, 0], add_key => [248, 0, 0, 0, 0, 0], keyctl => [250, 99, 0, 0, 0, 0],
    fanotify_init => [300, 0xffffffff, 0], open_by_handle_at => [304, -1, 0, 0], lookup_dcookie => [212, 0, 0, 0],
    umount2 => [166, 0, 0xffff], fsconfig => [431, -1, 0, 0, 0, 0], move_mount => [429, -1, 0, -1, 0, 0],
  );
  my @asked;
  for my $call (sort keys %calls) {
    my $result = call(@{$calls{$call}});
    push @asked, "$call ($!)" unless !defined $result && $! == 1;
  }
  @asked ? reached(@asked) : kept('all of them');
};

$attack{'unknown-call'} = sub {
  my $result = call(0x40000000 | 272, 0x10000000); # x32's unshare
  reached('x32') if defined $result || $! != 38;
  kept("x32: $!");
};

$attack{'run'} = sub {
  my ($status, @command) = @_;
  system { $command[0] } @command;
  kept("cannot run: $!") if $? == -1;
  $? >> 8 == $status ? reached("status $status") : kept('status ' . ($? >> 8) . ', signal ' . ($? & 127));
};

$attack{'capabilities'} = sub {
  my ($allowed) = @_;
  my %own = slurp('/proc/self/status') =~ /^(Cap\w+|NoNewPrivs|Seccomp):\s*(\w+)/mg;
  my @more = grep { hex($own{$_}) & ~hex $allowed } qw(CapInh CapPrm CapEff CapBnd CapAmb);
  push @more, 'NoNewPrivs' unless $own{NoNewPrivs} == 1;
  push @more, 'Seccomp' unless $own{Seccomp} == 2;
  @more ? reached(map { "$_=$own{$_}" } @more) : kept('few');
};

$attack{'descriptors'} = sub {
  my @more = grep { !/^[012]$/ } map { s{.*/}{}r } grep { defined readlink } glob '/proc/self/fd/*';
  @more ? reached(@more) : kept('three');
};

my $run = $attack{$name // ''} or die "no such attack\n";
$run->(@given);
