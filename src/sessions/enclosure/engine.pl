# An enclosure that an engine makes (apptainer, singularity): it runs a program of ours that says that it is there and
# waits. Then our own process 1 of an enclosure enters, takes away what the engine has let in of the host, and holds it
# as any other. Who has started the engine stays outside, and ends it with the holder.
use strict;
use warnings;
our (%one, %many, $report, $mode);

# Becomes the one that stays. Our caller waits until the enclosure stands, or can't; with `then`, it enters it.
sub detach {
  pipe my $done, my $doing or fail('pipe');
  my $pid = fork // fail('fork');
  if ($pid == 0) {
    close $done;
    kernel('setsid');
    quiet() if $one{then}; # these are the program's
    return $doing;
  }
  close $doing;
  my $said = sysread $done, my $holder, 100;
  exit 125 unless $said; # it has said why
  exit 0 unless $one{then};
  @one{qw(pid start flags)} = split / /, $holder;
  $mode = 'join';
  join_held();
}

sub quiet {
  open STDIN, '<', '/dev/null';
  open STDOUT, '>', '/dev/null';
  open STDERR, '>', '/dev/null';
}

# Whatever ends us takes the engine's processes along.
our $engine_owner = 0;
our $engine_child;
END {
  if ($engine_owner == $$) {
    local $?;
    end_engine(read_engine());
    kill 9, $engine_child if defined $engine_child;
  }
}

# Starts the engine; the pid of its process 1, as we see it. Its complaints are ours.
sub start_engine {
  end_engine(read_engine()); # of a holder that was killed
  unlink 'engine';
  $engine_owner = $$;
  open my $log, '+>', 'engine.log' or fail('log');
  pipe my $there, my $say or fail('pipe');
  $engine_child = fork // fail('fork');
  if ($engine_child == 0) {
    $engine_owner = 0;
    kernel('prctl', 1, SIGKILL(), 0, 0, 0);
    open STDIN, '<', '/dev/null';
    open STDOUT, '>&', $say;
    open STDERR, '>&', $log;
    kernel('close_range', 3, 0x7fffffff, 0);
    %ENV = map { /^([^=]+)=(.*)$/s ? ($1 => $2) : () } @{$many{'engine-env'} // []};
    no warnings 'exec';
    exec {$many{engine}[0]} @{$many{engine}};
    print STDERR "$many{engine}[0]: $!\n";
    kernel('exit_group', 127);
  }
  close $say;
  my $engine = sysread($there, my $byte, 1) ? first_below($engine_child) : undef;
  if (!defined $engine) {
    kill 9, $engine_child;
    waitpid $engine_child, 0;
    undef $engine_child;
    seek $log, 0, 0;
    local $/;
    my $text = substr(<$log> // '', -1500);
    fail('engine', $text =~ /\S/ ? $text : "status $?");
  }
  my $start = start_of($engine) // fail('engine', 'what it has started has ended at once');
  write_file('engine', "$engine $start\n") or fail('engine');
  return $engine;
}

# The process below another one that is process 1 of a namespace of its own. Younger ones are asked first: numbers
# seldom begin anew.
sub first_below {
  my ($top) = @_;
  my %parent;
  opendir my $processes, '/proc' or return undef;
  my @pids = sort { ($b > $top) <=> ($a > $top) || $a <=> $b } grep { /^\d+$/ } readdir $processes;
  for my $pid (@pids) {
    my $status = read_file("/proc/$pid/status") // next;
    $parent{$pid} = $1 if $status =~ /^PPid:\s*(\d+)/m;
    next unless $status =~ /^NSpid:.*\s\d+\s+1$/m;
    for (my $at = $pid; defined $at; $at = $parent{$at}) { return $pid if ($parent{$at} // 0) == $top }
  }
  return undef;
}

sub read_engine { return (read_file('engine') // '') =~ /^(\d+) (\d+)$/ ? ($1, $2) : () }

# Ends the engine's process 1, and with it every process in there; its keeper outside ends by itself.
sub end_engine {
  my ($pid, $start) = @_;
  return unless defined $pid && defined $start && (start_of($pid) // '') eq $start;
  kill 9, $pid;
  for (1 .. 2500) {
    last if (start_of($pid) // '') ne $start;
    select undef, undef, undef, 0.002;
  }
}

# Waits for the end of our process 1 in there, and ends the engine's with it.
sub watch_engine {
  my ($holder) = @_;
  quiet();
  close $report;
  kernel('prctl', 15, "repronim\0", 0, 0, 0);
  $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT PIPE TERM USR1 USR2);
  # Whichever ends first takes the other along.
  my $ended;
  do { $ended = waitpid -1, 0 } while $ended == -1 && $! == EINTR();
  kill 9, $holder unless $ended == $holder;
  end_engine(read_engine());
  waitpid $engine_child, 0; # it takes away what it has made for the time being
  undef $engine_child;
  exit 0;
}

# Its namespaces, opened while they can be seen. That of processes is not among them: ours is a new one, whose process 1
# nobody in there can end.
sub open_engine {
  my ($engine, $flags) = @_;
  my %kinds = (user => NEWUSER(), ipc => NEWIPC(), uts => NEWUTS(), net => NEWNET(), mnt => NEWNS());
  my $own = readlink '/proc/self/ns/user';
  delete $kinds{user} if (readlink "/proc/$engine/ns/user" // '') eq $own;
  my %open;
  for my $kind (keys %kinds) {
    next unless $kind eq 'user' || $flags & $kinds{$kind};
    open $open{$kind}, '<', "/proc/$engine/ns/$kind" or fail("the engine's $kind namespace");
  }
  return \%open;
}

sub enter_engine {
  my ($open) = @_;
  $engine_owner = 0;
  for my $kind (grep { $open->{$_} } qw(user ipc uts net mnt)) {
    kernel('setns', fileno $open->{$kind}, 0) // fail("the engine's $kind namespace");
  }
}

# What the engine has mounted becomes what an enclosure of our own has; the tree as it is without any of it.
sub adopt_mounts {
  mount_at('none', '/', undef, PRIVATE()); # the engine has made it unbindable, and no copy is made of such
  my $tree = kernel('open_tree', AT_FDCWD(), "/\0", 1 | 02000000);
  chdir '/' or fail('root');
  kernel('umount2', "$_\0", 2) for @{$many{detach} // []};
  if ($one{network} ne 'host') { kernel('umount2', "$_\0", 2) for qw(/etc/resolv.conf /etc/hosts /etc/hostname) }
  my @devices = device_numbers();
  my %device = map { ($_->[0] => handle("/dev/$_->[0]")) } @devices;
  mount_at('proc', '/proc', 'proc', NOSUID() | NODEV() | NOEXEC()) // fail('/proc');
  # Its view of the kernel shows the host's network where it is not of our own network namespace.
  my $closed = RDONLY() | NOSUID() | NODEV() | NOEXEC();
  mount_at('sysfs', '/sys', 'sysfs', $closed)
    // ($! == 16 ? restrict_mount('/sys', $closed) : undef) # EBUSY: it is the same already
    // mount_at('tmpfs', '/sys', 'tmpfs', $closed, 'size=4k') // fail('/sys');
  make_devices(\@devices, \%device);
  mask_kernel();
  for my $path (@{$many{inner} // []}) { restrict_mount($path, NOSUID() | NODEV()) // fail("mount at $path") }
  kernel('sethostname', "$one{hostname}\0", length $one{hostname}) if defined $one{hostname};
  return $tree;
}
1;
