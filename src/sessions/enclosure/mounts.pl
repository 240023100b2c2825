# The mounts of an enclosure: its root (bound, or an overlay), /proc, /sys, /dev, what --mount lets in; then
# pivot_root, and the old root is gone. All but the root itself is mounted after pivot_root, so that a link in the
# stranger's tree can lead nowhere else.
use strict;
use warnings;
our (%one, %many);

sub mount_at {
  my ($source, $target, $type, $flags, $data) = @_;
  return kernel('mount', "$source\0", "$target\0", defined $type ? "$type\0" : 0, $flags, defined $data ? "$data\0" : 0);
}

# Sets flags of a mount and of what is mounted below it (Linux 5.12), else of the mount alone.
sub restrict_mount {
  my ($target, $flags) = @_;
  return 1 if defined kernel('mount_setattr', AT_FDCWD(), "$target\0", 0x8000, pack('Q4', $flags, 0, 0, 0), 32);
  return undef if $! != ENOSYS();
  return mount_at('none', $target, undef, BIND() | REMOUNT() | $flags);
}

# A handle on something of the host, to be bound after pivot_root. O_PATH: nothing is opened by it.
sub handle {
  my ($path) = @_;
  sysopen my $file, $path, 0x200000 or return undef;
  return $file;
}

sub bind_handle {
  my ($file, $target, $flags) = @_;
  mount_at('/proc/self/fd/' . fileno $file, $target, undef, BIND() | REC()) // return undef;
  return restrict_mount($target, $flags);
}

sub device_numbers {
  return ([null => 1, 3], [zero => 1, 5], [full => 1, 7], [random => 1, 8], [urandom => 1, 9], [tty => 5, 0]);
}

sub make_mounts {
  my $root = $one{root};
  mount_at('none', '/', undef, REC() | PRIVATE()) // fail('private mounts');
  my @devices = device_numbers();
  my %device = map { ($_->[0] => handle("/dev/$_->[0]")) } @devices;
  my $resolver = $one{network} eq 'host' ? handle('/etc/resolv.conf') : undef;
  my @mounts;
  for my $mount (@{$many{mount} // []}) {
    my ($access, $source, $path) = $mount =~ /^(ro|rw):(\d+):(.*)$/s ? ($1, substr($3, 0, $2), substr($3, $2)) : die;
    my $file = handle($source) // fail("mount $source");
    push @mounts, [$file, $path, $access eq 'ro' ? 1 : 0, -d $source];
  }
  mount_root($root);
  # The tree as it is, without what is mounted in it: for whoever looks at it from outside. OPEN_TREE_CLONE.
  my $tree = kernel('open_tree', AT_FDCWD(), "$root\0", 1 | 02000000);
  chdir $root or fail('root');
  kernel('pivot_root', ".\0", ".\0") // fail('pivot_root');

  for my $path (qw(/proc /sys /dev)) { mkdir $path, 0755 unless -d $path }
  mount_at('proc', '/proc', 'proc', NOSUID() | NODEV() | NOEXEC()) // fail('/proc');
  mount_at('sysfs', '/sys', 'sysfs', RDONLY() | NOSUID() | NODEV() | NOEXEC());
  make_devices(\@devices, \%device);
  mask_kernel();
  for my $mount (@mounts) {
    my ($file, $path, $readonly, $directory) = @$mount;
    make_target($path, $directory);
    bind_handle($file, $path, NOSUID() | NODEV() | $readonly) // fail("mount at $path");
  }
  if (defined $resolver) {
    make_target('/etc/resolv.conf', 0) unless -l '/etc/resolv.conf';
    bind_handle($resolver, '/etc/resolv.conf', NOSUID() | NODEV() | RDONLY()) if -f '/etc/resolv.conf';
  }
  kernel('sethostname', "$one{hostname}\0", length $one{hostname}) if defined $one{hostname};
  kernel('umount2', ".\0", 2) // fail('old root');
  chdir '/' or fail('root');
  return $tree;
}

sub mount_root {
  my ($root) = @_;
  if (defined $one{upper}) {
    my @open;
    my $option = sub {
      my ($name, $path) = @_;
      open my $folder, '<', $path or fail("overlay $name");
      push @open, $folder;
      return "$name=/proc/self/fd/" . fileno $folder; # no path is quoted, so none can be misread
    };
    my $data = join ',', $option->(lowerdir => $root), $option->(upperdir => $one{upper}), $option->(workdir => $one{work});
    $data .= ',userxattr' if $one{userxattr};
    mount_at('overlay', $root, 'overlay', NOSUID() | NODEV(), $data) // fail('overlay');
    return;
  }
  mount_at($root, $root, undef, BIND()) // fail('root');
  restrict_mount($root, NOSUID() | NODEV()) // fail('root');
}

# Devices are our own nodes where we may make some, so that nobody inside owns the host's; else the host's, read-only
# mounts (which only keeps owners and modes from being changed).
sub make_devices {
  my ($devices, $handles) = @_;
  mount_at('tmpfs', '/dev', 'tmpfs', NOSUID() | NOEXEC(), 'mode=755,size=65536k') // fail('/dev');
  umask 0;
  for my $device (@$devices) {
    my ($name, $major, $minor) = @$device;
    next if defined kernel('mknodat', AT_FDCWD(), "/dev/$name\0", 020666, $major << 8 | $minor) && open my $try, '<', "/dev/$name";
    next if $name eq 'tty' && -c "/dev/$name"; # without a terminal it can't be opened
    unlink "/dev/$name";
    next unless defined $handles->{$name};
    make_target("/dev/$name", 0);
    bind_handle($handles->{$name}, "/dev/$name", NOSUID() | NOEXEC() | RDONLY()) // fail("/dev/$name");
  }
  symlink '/proc/self/fd', '/dev/fd';
  symlink "/proc/self/fd/$_->[0]", "/dev/$_->[1]" for [0, 'stdin'], [1, 'stdout'], [2, 'stderr'];
  mkdir '/dev/pts', 0755;
  mkdir '/dev/shm', 01777;
  my $options = 'newinstance,ptmxmode=0666,mode=0620';
  mount_at('devpts', '/dev/pts', 'devpts', NOSUID() | NOEXEC(), "$options,gid=5")
    // mount_at('devpts', '/dev/pts', 'devpts', NOSUID() | NOEXEC(), $options);
  symlink 'pts/ptmx', '/dev/ptmx';
  mount_at('shm', '/dev/shm', 'tmpfs', NOSUID() | NODEV(), 'mode=1777') // fail('/dev/shm');
  umask 022;
}

# What of the kernel is not ours to read or turn. The files of /proc/sys and sysrq-trigger ask for the owner only, and
# root inside may be the owner.
sub mask_kernel {
  if ($one{network} ne 'host') {
    write_file('/proc/sys/net/ipv4/ip_unprivileged_port_start', "0\n");
    write_file('/proc/sys/net/ipv4/ping_group_range', "0 2147483647\n");
  }
  for my $path (map { "/proc/$_" } qw(bus fs irq sys sysrq-trigger)) {
    next unless -e $path;
    mount_at($path, $path, undef, BIND() | REC()) // fail($path);
    restrict_mount($path, RDONLY() | NOSUID() | NODEV() | NOEXEC()) // fail($path);
  }
  for my $path (map { "/proc/$_" } qw(kcore keys kmsg latency_stats timer_list sched_debug key-users kpagecount kpageflags)) {
    next unless -e $path;
    mount_at('/dev/null', $path, undef, BIND()) // fail($path);
  }
  for my $path (qw(/proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/fs /sys/kernel/debug /sys/kernel/tracing
    /sys/kernel/security /sys/devices/virtual/powercap)) {
    next unless -d $path;
    mount_at('tmpfs', $path, 'tmpfs', RDONLY() | NOSUID() | NODEV() | NOEXEC(), 'size=4k') // fail($path);
  }
}

# Makes the file or folder that something is mounted on, with its parents.
sub make_target {
  my ($path, $directory) = @_;
  my $at = '';
  my @parts = grep { length } split m{/}, $path;
  my $last = pop @parts;
  for my $part (@parts) {
    $at .= "/$part";
    mkdir $at, 0755 unless -d $at;
  }
  return unless defined $last;
  if ($directory) { mkdir "$at/$last", 0755 unless -d "$at/$last" }
  elsif (!-e "$at/$last") { open my $file, '>', "$at/$last" }
}

# SIOCSIFFLAGS, netdevice(7): IFF_UP.
sub loopback_up {
  socket my $socket, 2, 2, 0 or return;
  my $request = pack 'a16 s x22', 'lo', 1;
  ioctl $socket, 0x8914, $request;
}

1;
