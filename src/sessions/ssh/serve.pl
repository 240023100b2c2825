# Requests about instances and trees of ours, one after the other: each a frame (length in four bytes, most significant
# first, then NUL-terminated fields), answered by one of the same form. Everything that is held for whoever asks is
# given back when he has ended. See remote.pl.
use strict;
use warnings;
our (%one, @passed, $top, $here);

my (%held, $tokens);

sub read_exact {
  my ($size) = @_;
  my $bytes = '';
  while (length $bytes < $size) {
    my $more = sysread STDIN, $bytes, $size - length $bytes, length $bytes;
    next if !defined $more && $! == 4;
    return undef unless $more;
  }
  return $bytes;
}

# The next request's fields, or nothing at the end.
sub next_frame {
  my $head = read_exact(4) // return;
  my $size = unpack 'N', $head;
  die "a request is too large\n" if $size > 64 << 20;
  return read_exact($size);
}

sub answer_frame {
  my $payload = join '', map { "$_\0" } @_;
  my $bytes = pack('N', length $payload) . $payload;
  for (my $done = 0; $done < length $bytes;) {
    my $more = syswrite STDOUT, $bytes, length($bytes) - $done, $done;
    next if !defined $more && $! == 4;
    exit 0 unless defined $more;
    $done += $more;
  }
}

my %acts = (
  hold => sub { my $token = ++$tokens; $held{$token} = [enter(0)]; return $token },
  leave => sub { delete $held{$one{token}}; return },
  start => sub { enter(1); return },
  status => \&status,
  stop => sub { stop($one{state}); return },
  remove => \&remove,
  make => \&make,
  copy => \&copy,
  signal => sub {
    my ($is, $pid) = split ' ', read_file("$top/run/$one{id}") // '';
    kill $one{signal}, $pid if ($is // '') eq 'running';
    return;
  },
  said => sub { my $file = "$top/run/$one{id}"; my $said = read_file($file) // ''; unlink $file if $said =~ /^ended/; return split /\0/, $said },
  keep => sub { mkdir "$top/run", 0700; write_file("$top/run/$one{id}", pack 'H*', $one{hex}) or die "$top/run: $!\n"; return },
  carry => \&carry,
  carried => sub { write_file("$top/rootfs/$one{digest}.part/done", $one{done}) or die "$top/rootfs: $!\n"; return },
  finish => \&finish,
  probe => \&probe,
  try => \&try_engine,
  owners => sub { return (mapping())[0] eq 'single' ? split /\0/, read_file("$top/rootfs/$one{digest}/owners") // '' : () },
  drop => \&drop,
);

sub serve {
  $SIG{PIPE} = 'IGNORE';
  while (defined(my $frame = next_frame())) {
    take_fields($frame);
    my @answer = eval { ('ok', ($acts{$one{do} // ''} // die "no such request\n")->()) };
    @answer = ref $@ ? ('failed', @{$@}) : ('failed', 'start', $@ =~ s/\n\z//r) if $@;
    answer_frame(@answer);
  }
}

# Becomes a user of an instance: gives what has to be kept open for as long. With `keep`, it stays without users.
sub enter {
  my ($keep) = @_;
  my $state = $one{state};
  my $since = time;
  while (time - $since < 10) {
    my @holder = holder($state);
    my $users = @holder ? users_of($state, @holder) : undef;
    if (defined $users) { syswrite $users, 'k' if $keep; return $users }
    socketpair my $life, my $other, 1, 1, 0 or die "socketpair: $!\n";
    my @fields = (state => $state, @passed, ($keep ? (keep => 1) : ()));
    push @fields, userxattr => 1 if (mapping())[0] ne 'root' && grep { $_ eq 'upper' } @fields;
    my ($how, $all) = mapped(\@fields, enter_argv('hold'));
    my ($pid, $answer) = start_enter($how, $all, $other);
    close $other;
    waitpid $pid, 0;
    my @said = $answer->();
    return $life if ($said[0] // '') eq 'ready';
    if (($said[0] // '') eq 'busy') { pause(); next }
    my ($at) = grep { $said[$_] eq 'failed' } reverse 0 .. $#said;
    die [defined $at ? ($said[$at + 1] // '', $said[$at + 3] // '') : ('start', 'status ' . ($? >> 8))];
  }
  die "it is being started or stopped all the time\n";
}

# Whether something can be confined here, and whether a tree be laid over another: found by trying.
sub probe {
  my $folder = "$top/probe-$$";
  make_folders("$folder/$_") for qw(root upper work);
  my @plain = (root => "$folder/root", network => 'none', user => 1);
  my $try = sub {
    local ($one{state}, @passed) = ($folder, @_);
    my $held = eval { enter(0) };
    my $why = $@;
    stop($folder);
    return defined $held ? undef : ref $why ? join(': ', @$why) : $why;
  };
  my $layered = $try->(@plain, upper => "$folder/upper", work => "$folder/work");
  my $because = defined $layered ? $try->(@plain) : undef;
  remove_tree($folder);
  return ((mapping())[0], defined $because ? 'none' : defined $layered ? 'copy' : 'overlay', $because // '');
}

# Whether an engine can make an enclosure here, found by trying it on an empty tree: nothing, or why not.
sub try_engine {
  make_folders("$one{state}/root/$_") for qw(dev proc sys tmp etc root var/tmp);
  $one{below} = "$one{state}/root";
  my $state = $one{state};
  eval { make(); 1 } or do { my $why = $@; remove_tree($state); die $why };
  my $held = eval { enter(0) };
  my $why = $@;
  stop($state);
  undef $held;
  remove_tree($state);
  return !$why ? () : ref $why ? join(': ', @$why) : $why;
}

sub status {
  my $state = $one{state};
  return 'gone' unless -e "$state/$one{tree}";
  return 'broken' if defined $one{below} && !-e $one{below};
  return holder($state) ? 'running' : 'stopped';
}

sub stop {
  my ($state) = @_;
  my @holder = holder($state) or return;
  kill 'KILL', $holder[0];
  my $since = time;
  select undef, undef, undef, 0.002 while holder($state) && time - $since < 6;
}

# Removes a folder of ours, also files of subordinate ids; never what is mounted in it.
sub remove_tree {
  my @paths = grep { lstat $_ } @_ or return;
  for my $line (split /\n/, read_file('/proc/self/mountinfo') // '') {
    (my $mount = (split / /, $line)[4] // '') =~ s/\\([0-7]{3})/chr oct $1/ge;
    die "$mount is mounted in it: unmount it first\n" if grep { index("$mount/", "$_/") == 0 } @paths;
  }
  # the option is not everywhere; nothing is mounted in them
  for my $options (['-rf', '--one-file-system'], ['-rf']) {
    my @words = ('/bin/rm', @$options, '--', @paths);
    my ($how, $fields) = mapped([], @words);
    my ($pid) = start_enter($how, $fields);
    waitpid $pid, 0;
    system { '/bin/rm' } @words;
    return if !$? && !grep { lstat $_ } @paths;
  }
  die "rm ended with status " . ($? >> 8) . "\n";
}

sub remove {
  return unless -e $one{state};
  stop($one{state});
  remove_tree($one{state});
  return;
}

# The folders of an instance; what lies above becomes the root folder that is seen. With `waiter`, an engine makes the
# enclosure, and runs that program in it.
sub make {
  for my $mount (grep { defined } split /\n/, $one{mounts} // '') { die ['mount', $mount] unless -e pack 'H*', $mount }
  make_folders($one{state});
  write_file("$one{state}/rootfs", $one{digest}) or die "$one{state}: $!\n";
  my $above = $one{state};
  if (defined $one{waiter}) {
    make_folders("$one{state}/$_") for qw(apptainer overlay waiter);
    $above = "$one{state}/overlay";
    my $program = "$one{state}/waiter/repronim";
    write_file($program, pack 'H*', $one{waiter}) or die "$program: $!\n";
    chmod 0755, "$one{state}/waiter", $program;
  }
  my @root = stat $one{below} or die "$one{below}: $!\n";
  for my $name ('upper', 'work') { mkdir "$above/$name", 0700 or -d "$above/$name" or die "$above/$name: $!\n" }
  chown @root[4, 5], "$above/upper" if $> == 0;
  chmod $root[2] & 07777, "$above/upper";
  return;
}

sub make_folders {
  my ($path) = @_;
  for (my $at = index $path, '/', 1; ; $at = index $path, '/', $at + 1) {
    my $folder = $at < 0 ? $path : substr $path, 0, $at;
    mkdir $folder, 0700 or -d $folder or die "$folder: $!\n";
    return if $at < 0;
  }
}

sub copy {
  make_folders($one{state});
  write_file("$one{state}/rootfs", $one{digest}) or die "$one{state}: $!\n";
  remove_tree(map { "$one{state}/$_" } qw(upper work overlay));
  for my $options (['-a', '-x', '--reflink=auto'], ['-a']) { # not all are everywhere
    my ($how, $fields) = mapped([], '/bin/cp', @$options, '--', $one{below}, "$one{state}/copy");
    my ($pid) = start_enter($how, $fields);
    waitpid $pid, 0;
    return if !$?;
    remove_tree("$one{state}/copy");
  }
  die "cp ended with status " . ($? >> 8) . "\n";
}

# A tree that is being carried here: how much of it is there. Nobody else carries it meanwhile.
sub carry {
  my $tree = "$top/rootfs/$one{digest}";
  return ('', 'whole') if -e "$tree/whole";
  make_folders("$tree.part");
  open my $lock, '>>', "$top/rootfs/$one{digest}.lock" or die "$tree.lock: $!\n";
  return ('', 'busy') unless flock $lock, 2 | 4;
  return ('', 'whole') if -e "$tree/whole";
  my $token = ++$tokens;
  $held{$token} = [$lock];
  my $plan = read_file("$tree.part/plan") // '';
  if ($plan ne $one{plan}) { # of another way to cut it into pieces
    remove_tree("$tree.part");
    make_folders("$tree.part");
    write_file("$tree.part/plan", $one{plan}) or die "$tree.part: $!\n";
  }
  mkdir "$tree.part/tree", 0755;
  return ($token, 'part', read_file("$tree.part/done") // 0);
}

sub finish {
  my $tree = "$top/rootfs/$one{digest}";
  chmod oct $one{mode}, "$tree.part/tree" or die "$tree: $!\n";
  write_file("$tree.part/owners", pack 'H*', $one{owners}) or die "$tree: $!\n";
  write_file("$tree.part/whole", '') or die "$tree: $!\n";
  rename "$tree.part", $tree or die "$tree: $!\n";
  unlink "$tree.lock";
  return;
}

# Takes a tree away that no instance stands on.
sub drop {
  for my $instance (glob_of("$top/instances")) {
    return 'used' if (read_file("$instance/rootfs") // '') eq $one{digest};
  }
  my $tree = "$top/rootfs/$one{digest}";
  remove_tree($tree, "$tree.part", "$tree.lock");
  return;
}

sub glob_of {
  opendir my $folder, $_[0] or return;
  return map { "$_[0]/$_" } grep { !/^\.\.?$/ } readdir $folder;
}

1;
