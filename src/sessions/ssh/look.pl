# Questions about files, many in one request: see serve.pl for the form of requests. Where a tree of ours is looked
# at, it becomes our root folder first, so that no link can lead out of it; all that is needed is loaded before.
use strict;
use warnings;
our (%one, @passed, %call, $here);

my (%hasher, $ask);

sub look {
  require "${here}serve.pl";
  # perl-base alone is enough: then the system's own programs make the digests, which we tell the files by descriptor.
  $hasher{sha256} = eval { require Digest::SHA; sub { Digest::SHA->new(256) } };
  $hasher{md5} = eval { require Digest::MD5; sub { Digest::MD5->new } };
  $SIG{PIPE} = 'IGNORE';
  my $enters = defined $one{state} || defined $one{root};
  start_helper() unless $hasher{sha256} && $hasher{md5};
  become_root() if $enters;
  answer_frame('ok', $enters || $> == 0 ? 'all' : 'some');
  while (defined(my $frame = next_frame())) {
    my ($act, @fields) = split /\0/, $frame, -1;
    pop @fields;
    if ($act eq 'scan') { scan(@fields); next }
    my @answer = eval { ('ok', look_at($act, @fields)) };
    answer_frame(@answer ? @answer : ('failed', $@ =~ s/\n\z//r));
  }
}

# The tree of an instance without what is mounted in it, by its holder's descriptor; or a folder.
sub become_root {
  my $folder = $one{root};
  my @holder;
  if (defined $one{state}) {
    @holder = holder($one{state}) or die "it has ended\n";
    $folder //= ($holder[3] // '-') eq '-' ? "/proc/$holder[0]/root" : "/proc/$holder[0]/fd/$holder[3]";
  }
  chdir $folder or die "$folder: $!\n";
  if ($> != 0 && @holder) { # root of the namespace of ours that has its ids
    open my $namespace, '<', "/proc/$holder[0]/ns/user" or die "user namespace: $!\n";
    my $outer = ioctl $namespace, 0xb702, 0; # NS_GET_PARENT
    syscall($call{setns}, $outer ? $outer + 0 : fileno $namespace, 0x10000000) == 0 or die "user namespace: $!\n";
    syscall $call{prctl}, 4, 1, 0, 0, 0;
  }
  chroot '.' or die "chroot: $!\n";
  chdir '/';
}

# A process that stays outside and runs sha256sum or md5sum on our descriptors.
sub start_helper {
  socketpair $ask, my $other, 1, 1, 0 or die "socketpair: $!\n";
  my $pid = fork // die "fork: $!\n";
  my $looker = $pid == 0 ? getppid : $$;
  if ($pid) { close $other; return }
  close $ask;
  open STDIN, '<', '/dev/null';
  open STDOUT, '>&', $other;
  while (defined(my $line = <$other>)) {
    my ($program, @numbers) = split ' ', $line;
    my $child = open my $from, '-|', $program, '--', map { "/proc/$looker/fd/$_" } @numbers;
    my %found = map { /^\\?([0-9a-f]+) .*\/(\d+)$/ ? ($2 => $1) : () } $child ? <$from> : ();
    syswrite $other, join(' ', map { $found{$_} // '-' } @numbers) . "\n";
  }
  require POSIX;
  POSIX::_exit(0);
}

my @kinds;
@kinds[1, 2, 4, 6, 8, 10, 12] = qw(fifo character directory block file link socket);

sub look_at {
  my ($act, @fields) = @_;
  if ($act eq 'lstat') { return map { my @stat = stat_of($_); @stat ? join(' ', @stat) : '' } @fields }
  if ($act eq 'realpath') { return map { real($_) // '' } @fields }
  if ($act eq 'digest') { my $algorithm = shift @fields; return digests($algorithm, @fields) }
  my ($path, $limit) = @fields;
  if ($act eq 'readlink') {
    my $target = readlink $path;
    return $target // die error_name() . "\n";
  }
  if ($act eq 'readdir') {
    opendir my $folder, $path or die error_name() . "\n";
    my @names = sort grep { $_ ne '.' && $_ ne '..' } readdir $folder;
    return map { my @stat = stat_of($path eq '/' ? "/$_" : "$path/$_"); ($_, $stat[0] // 'file') } @names;
  }
  if ($act eq 'readFile') { return read_whole($path, $limit) }
  die "ENOSYS\n";
}

# Type, mode, owner, group, size, time, inode, device number.
sub stat_of {
  my @stat = lstat $_[0] or return;
  return ($kinds[$stat[2] >> 12] // 'socket', $stat[2] & 07777, @stat[4, 5, 7, 9], "$stat[0]:$stat[1]", $stat[6], $stat[0]);
}

sub error_name {
  for my $name (keys %!) { return $name if $!{$name} }
  return 'EIO';
}

# Never waits for a FIFO, never takes a terminal. The errno's name where it can't be had.
sub open_file {
  my ($path) = @_;
  sysopen my $file, $path, 04000 | 0400 or die error_name() . "\n"; # O_NONBLOCK | O_NOCTTY
  die "EISDIR\n" if -d $file;
  die "EINVAL\n" unless -f _;
  return $file;
}

# One content, its length first: it may have NULs.
sub read_whole {
  my ($path, $limit) = @_;
  my $file = open_file($path);
  die "EFBIG\n" if -s $file > $limit;
  my $all = '';
  while (1) {
    my $more = sysread $file, $all, 1 << 20, length $all;
    die error_name() . "\n" unless defined $more;
    last unless $more;
    die "EFBIG\n" if length $all > $limit;
  }
  return $all;
}

sub digest_of {
  my ($algorithm, $file) = @_;
  my $sum = $hasher{$algorithm}->();
  return eval { $sum->addfile($file)->hexdigest } // '';
}

sub digests {
  my ($algorithm, @paths) = @_;
  if ($hasher{$algorithm}) { return map { my $file = eval { open_file($_) }; $file ? digest_of($algorithm, $file) : '' } @paths }
  my @found;
  while (my @some = splice @paths, 0, 200) {
    my @files = map { scalar eval { open_file($_) } } @some;
    my @numbers = map { fileno $_ } grep { defined } @files;
    my %sums;
    if (@numbers) {
      syswrite $ask, "${algorithm}sum @numbers\n";
      @sums{@numbers} = split ' ', scalar <$ask> // '';
    }
    push @found, map { my $sum = defined $_ ? $sums{fileno $_} : '-'; ($sum // '-') eq '-' ? '' : $sum } @files;
  }
  return @found;
}

# The path with every link resolved, as far as it is there.
sub real {
  my @rest = reverse split m{/}, $_[0];
  my ($at, $links) = ('', 0);
  while (@rest) {
    my $part = pop @rest;
    next if $part eq '' || $part eq '.';
    if ($part eq '..') { $at =~ s{/[^/]*\z}{}; next }
    my $next = "$at/$part";
    lstat $next or return undef;
    if (-l _) {
      return undef if ++$links > 40;
      my $target = readlink $next // return undef;
      $at = '' if $target =~ m{^/};
      push @rest, reverse split m{/}, $target;
      next;
    }
    return undef if @rest && !-d _;
    $at = $next;
  }
  return length $at ? $at : '/';
}

my %except;
my @waiting;
my @algorithms;

# Every entry, a directory before what is in it, in byte order of whole paths; frames of many, then one that says end.
sub scan {
  my ($below, $leave, $digests) = splice @_, 0, 3;
  @algorithms = split / /, $digests;
  my @below = splice @_, 0, $below;
  %except = map { ($_ => 1) } splice @_, 0, $leave;
  for my $start (@below) {
    next if $except{$start};
    my @stat = stat_of($start) or next;
    walk($start, @stat);
  }
  flush_scan();
  answer_frame('end');
}

sub walk {
  my ($path, @stat) = @_;
  note($path, @stat);
  walk_into($path, @stat) if $stat[0] eq 'directory';
}

sub walk_into {
  my ($path, @stat) = @_;
  my $prefix = $path eq '/' ? '/' : "$path/";
  opendir my $folder, $path or return;
  my @names = readdir $folder;
  closedir $folder;
  my @turns;
  for my $name (@names) {
    next if $name eq '.' || $name eq '..' || $except{$prefix . $name};
    my @child = stat_of($prefix . $name) or next;
    push @turns, [$name, $prefix . $name, \@child, 0];
    next if $child[0] ne 'directory' || $child[8] != $stat[8] && is_pseudo($prefix . $name);
    push @turns, ["$name/", $prefix . $name, \@child, 1];
  }
  for my $turn (sort { $a->[0] cmp $b->[0] } @turns) {
    $turn->[3] ? walk_into($turn->[1], @{$turn->[2]}) : note($turn->[1], @{$turn->[2]});
  }
}

# Kernel views, by the numbers of statfs(2): as roots/local/scan.ts has them.
my %pseudo = map { ($_ => 1) } 0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x64626720, 0x74726163, 0x73636673,
  0xcafe4a11, 0x6165676c, 0x19800202, 0x42494e4d, 0x62656570, 0xde5e81e4, 0xf97cff8c, 0x6e736673;

sub is_pseudo {
  my ($path, $buffer) = ("$_[0]\0", "\0" x 256);
  return 0 if syscall($call{statfs}, $path, $buffer) != 0;
  return $pseudo{unpack 'q', $buffer};
}

sub note {
  push @waiting, [@_];
  flush_scan() if @waiting >= 1000;
}

sub flush_scan {
  my @files = grep { $_->[1] eq 'file' } @waiting;
  my %sums;
  for my $algorithm (@algorithms) { $sums{$algorithm} = [digests($algorithm, map { $_->[0] } @files)] }
  my $number = 0;
  my @fields = ('some');
  for my $entry (@waiting) {
    my ($path, $type, @stat) = @$entry;
    my ($target, $capability, $unreadable) = ('', '', 0);
    my @sums;
    if ($type eq 'file') {
      @sums = map { $sums{$_}[$number] } @algorithms;
      $number += 1;
      $unreadable = grep({ $_ eq '' } @sums) ? 1 : 0;
      next if $unreadable && !lstat $path;
      $capability = capability_of($path) if $stat[0] & 0111;
    }
    elsif ($type eq 'link') { my $to = readlink $path; if (defined $to) { $target = $to } else { $unreadable = 1 } }
    elsif ($type eq 'directory') { $unreadable = 1 if $> != 0 && !-r $path }
    push @fields, $path, join(' ', $type, @stat), $target, $capability, $unreadable, join(' ', @sums);
  }
  @waiting = ();
  answer_frame(@fields) if @fields > 1;
}

sub capability_of {
  my @call = ("$_[0]\0", "security.capability\0", "\0" x 64);
  my $length = syscall $call{lgetxattr}, @call, 64;
  return $length > 0 ? unpack 'H*', substr $call[2], 0, $length : '';
}

1;
