# Our part on a host that is reached by ssh: runs enter.pl there for us, keeps instances running, answers questions.
# It is carried along into a folder of ours; parameters come as one word of hexadecimal digits (NUL-terminated key,
# value, key, value …) or in a file, so that no shell on the way has anything to read in them. Keys that begin with @
# are for us, all others for enter.pl.
#
#   perl remote.pl exec HEX     one act, on our streams: in an instance (@state), or here
#   perl remote.pl serve HEX    requests on standard input, answers on standard output: see serve.pl
#   perl remote.pl look HEX     the same for questions about files: see look.pl
use strict;
use warnings;

our ($mode, $given) = @ARGV;
our (%one, @passed);
(our $here = $0) =~ s{[^/]*$}{};
our $top = "${here}../..";
# The interpreter: the host's own, or where it has none, one that was brought along, with its own loader and libraries.
my $brought = "${here}perl";
our @perl = -e "$brought/loader" ? ("$brought/loader", '--library-path', "$brought/lib", "$brought/perl", "-I$brought/inc") : ($^X);
our ($machine, %call);
binmode $_ for \*STDIN, \*STDOUT;
$| = 1;

sub read_file {
  my ($path) = @_;
  open my $file, '<', $path or return undef;
  local $/;
  return scalar <$file>;
}

sub write_file {
  my ($path, $content) = @_;
  open my $file, '>', "$path.new" or return 0;
  print $file $content and close $file and return rename "$path.new", $path;
}

# Fields, as they are given: those for us, and those that are passed on.
sub take_fields {
  my @fields = split /\0/, $_[0], -1;
  (%one, @passed) = ();
  while (@fields > 1) {
    my ($key, $value) = splice @fields, 0, 2;
    if ($key =~ /^@(.*)/s) { $one{$1} = $value }
    else { push @passed, $key, $value }
  }
}

# One start of enter.pl: its fields are in a file that has no name, which it says things in, too. Gives the process,
# and what reads its answer. `life` is its descriptor 4.
sub start_enter {
  my ($how, $fields, $life) = @_;
  my $bytes = join '', map { "$_\0" } @$fields;
  open my $report, '+>', undef or die "no temporary file: $!\n";
  syswrite $report, $bytes;
  sysseek $report, 0, 0;
  my @argv = ref $how ? @$how : (@perl, "${here}enter.pl", $how, $machine);
  my $pid = fork // die "fork: $!\n";
  if ($pid == 0) {
    # Above everything first: 3 may be one of these.
    my ($r, $l) = map { defined $_ ? fileno $_ : undef } $report, $life;
    my ($high_r, $high_l) = (200, 201);
    syscall $call{dup3}, $r + 0, $high_r, 0;
    syscall $call{dup3}, $l + 0, $high_l, 0 if defined $l;
    syscall $call{dup3}, $high_r, 3, 0;
    syscall $call{dup3}, $high_l, 4, 0 if defined $l;
    for my $number ($high_r, $high_l) { open my $file, '<&=', $number or next; close $file }
    chdir '/';
    %ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL => 'C');
    exec { $argv[0] } @argv or do { print STDERR "perl: $!\n"; require POSIX; POSIX::_exit(125) };
  }
  my $answer = sub {
    sysseek $report, length $bytes, 0;
    my $all = '';
    1 while sysread $report, $all, 65536, length $all;
    return split /\0/, $all;
  };
  return ($pid, $answer);
}

# Which ids we may give: all as root, a range of subordinate ones, our own only. As sessions/mapped.ts has it.
sub mapping {
  return ('root') if $> == 0;
  my $there = grep { my $program = $_; grep { -x "$_/$program" } qw(/usr/bin /bin /usr/sbin) } qw(newuidmap newgidmap);
  my @ranges = map { subordinate($_) } '/etc/subuid', '/etc/subgid';
  return $there == 2 && @ranges == 2 ? ('subordinate', @ranges) : ('single');
}

sub subordinate {
  my %names = ($> => 1, (getpwuid($>) // '') => 1);
  for my $line (split /\n/, read_file($_[0]) // '') {
    my ($name, $first, $count) = split /:/, $line;
    next unless $names{$name} && ($count // 0) =~ /^\d+$/ && $count >= 65535;
    return "$first:" . ($count > 65536 ? 65536 : $count);
  }
  return;
}

# How a program is started as root of a user namespace of ours: for start_enter; as root, as it is.
sub mapped {
  my ($fields, @argv) = @_;
  my ($kind, $uids, $gids) = mapping();
  return (\@argv, $fields) if $kind eq 'root';
  return ('map', [(map { (map => $_) } @argv), ($kind eq 'subordinate' ? (uids => $uids, gids => $gids) : ()), @$fields]);
}

sub enter_argv { return (@perl, "${here}enter.pl", $_[0], $machine) }

# Holders, as sessions/held.ts and backends/chroot/hold.ts have them.
sub start_of {
  my $stat = read_file("/proc/$_[0]/stat") // return undef;
  $stat =~ s/^.*\) //s;
  my @fields = split / /, $stat;
  return $fields[0] =~ /^[ZX]/ || $fields[6] & 4 ? undef : $fields[19];
}

# The holder of an instance: pid, start, flags, tree; nothing where none lives.
sub holder {
  my ($state) = @_;
  my @holder = split ' ', read_file("$state/holder") // return;
  return @holder >= 3 && $holder[0] =~ /^\d+$/ && (start_of($holder[0]) // '') eq $holder[1] ? @holder : ();
}

# Being a user of a held instance: what has its fifo open. Undef where nobody holds it, or who does is about to end.
sub users_of {
  my ($state, @holder) = @_;
  sysopen my $users, "$state/users", 01 | 04000 or return undef; # O_WRONLY | O_NONBLOCK
  my $name = read_file("/proc/$holder[0]/comm") // 'closing';
  return $name =~ /^closing/ ? undef : $users;
}

sub pause { select undef, undef, undef, 0.005 }

# The fields that a holder is made from, of those that came.
my %of_holder = map { ($_ => 1) } qw(root upper work network user userxattr hostname mount keep
  engine engine-env detach inner);

# A process in an instance: joins it where it is held, and else holds it for as long as that takes. Runs `done` with
# the status and the answer for its own; gives nothing where both were busy for too long.
sub enter_instance {
  my ($state, $fields, $done) = @_;
  my (@hold, @act);
  for (my $at = 0; $at < @$fields; $at += 2) { push @{$of_holder{$fields->[$at]} ? \@hold : \@act}, @$fields[$at, $at + 1] }
  my $since = time;
  while (time - $since < 10) {
    my @holder = holder($state);
    my $users = @holder ? users_of($state, @holder) : undef;
    if (defined $users) {
      return $done->(start_enter('join', [parent => $$, pid => $holder[0], start => $holder[1], flags => $holder[2], @act]), 0);
    }
    socketpair my $life, my $other, 1, 1, 0 or die "socketpair: $!\n";
    my @all = (state => $state, @hold, (mapping())[0] eq 'root' || !grep({ $_ eq 'upper' } @hold) ? () : (userxattr => 1),
      then => 1, parent => $$, @act);
    my ($how, $mapped) = mapped(\@all, enter_argv('hold'));
    my ($pid, $answer) = start_enter($how, $mapped, $other);
    close $other;
    my $status = $done->($pid, $answer, $life);
    return $status if (($answer->())[0] // '') ne 'busy';
    pause();
  }
  die "it is being started or stopped all the time\n";
}

# Waits for a process, passes signals on, and ends it when nobody is at the other end of our streams any more.
sub supervise {
  my ($pid) = @_;
  my $ended = 0;
  local $SIG{CHLD} = sub { $ended = 1 };
  for my $signal (qw(TERM INT QUIT USR1 USR2 CONT WINCH)) { $SIG{$signal} = sub { kill $signal, $pid } }
  my $lost = 0;
  $SIG{HUP} = sub { $lost ||= 1 };
  $SIG{PIPE} = 'IGNORE';
  my $asked;
  while (1) {
    my $done = waitpid $pid, 1; # WNOHANG
    last if $done == $pid || $done == -1;
    # POLLERR and POLLHUP are told without being asked for: three of struct pollfd (poll(2)), 50 ms. Whoever is killed
    # at the other end leaves us without standard input and output; standard error may stay.
    my $polled = pack 'i s s' x 3, 0, 0, 0, 1, 0, 0, 2, 0, 0;
    my $time = pack 'q q', 0, 50_000_000;
    syscall $call{ppoll}, $polled, 3, $time, 0, 8 unless $ended;
    my (undef, undef, $in, undef, undef, $out, undef, undef, $err) = unpack 'i s s' x 3, $polled;
    $lost = 1 if $out && ($in || $err);
    select undef, undef, undef, 0.01 if ($in || $out || $err) && !$ended;
    next unless $lost;
    $asked //= do { kill 'TERM', $pid; time };
    kill 'KILL', $pid if time - $asked > 2;
    select undef, undef, undef, 0.02;
  }
  my $status = $?;
  return $status & 127 ? 128 + ($status & 127) : $status >> 8;
}

# A bare chroot has no devices but those that are made in it.
sub make_devices {
  my %fields = @{$_[0]};
  return if -e "$fields{root}/dev/tty" || ($fields{do} // 'exec') ne 'exec';
  my ($pid) = start_enter('plain', [root => $fields{root}, do => 'devices', parent => $$]);
  waitpid $pid, 0;
}

# What comes on standard input goes through a program first.
sub decompress {
  my %known = (zstd => ['zstd', '-dc'], gzip => ['gzip', '-dc']);
  my @argv = @{$known{$_[0]}};
  pipe my $from, my $to or die "pipe: $!\n";
  my $pid = fork // die "fork: $!\n";
  if ($pid == 0) {
    open STDOUT, '>&', $to;
    exec { $argv[0] } @argv or do { print STDERR "$argv[0]: $!\n"; require POSIX; POSIX::_exit(125) };
  }
  close $to;
  open STDIN, '<&', $from;
}

sub run_act {
  my $record = defined $one{id} ? "$top/run/$one{id}" : undef;
  mkdir "$top/run", 0700;
  write_file($record, "running $$\n") if defined $record;
  my $answer;
  my $status = eval {
    my $done = sub { $answer = $_[1]; return supervise($_[0]) };
    make_devices(\@passed) if $one{devices};
    decompress($one{decompress}) if defined $one{decompress};
    defined $one{state} ? enter_instance($one{state}, \@passed, $done)
      : $done->($one{mapped} ? start_enter(mapped([parent => $$, @passed], enter_argv('plain'))) : start_enter('plain', [parent => $$, @passed]));
  };
  my @said = !defined $status ? ('failed', 'start', 0, $@ =~ s/\n\z//r) : defined $answer ? $answer->() : ();
  shift @said, shift @said, shift @said, shift @said, shift @said if @said && $said[0] eq 'ready';
  $status //= 125;
  if (defined $record) {
    # What our status can't tell is asked for.
    if (@said || $status == 255) { write_file($record, join "\0", "ended $status", @said) }
    else { unlink $record }
  }
  exit $status;
}

take_fields(pack 'H*', $given);
if (defined $one{from}) { # too much for a command line
  my $file = "$top/run/$one{from}";
  my $content = read_file($file) // die "no parameters\n";
  unlink $file;
  take_fields($content);
}
$machine = $one{machine};
%call = $machine eq 'x64'
  ? (dup3 => 292, ppoll => 271, setns => 308, prctl => 157, lgetxattr => 192, statfs => 137)
  : (dup3 => 24, ppoll => 73, setns => 268, prctl => 167, lgetxattr => 9, statfs => 43);
if ($mode eq 'exec') { run_act() }
elsif ($mode eq 'serve') { require "${here}serve.pl"; serve() }
elsif ($mode eq 'look') { require "${here}look.pl"; look() }
else { die "no such mode: $mode\n" }
