# Files of an enclosure, from within it: write one, unpack a tar, pack one. Links that a stranger's tree is full of
# can lead nowhere but to the tree itself. The formats: tar(5), pax(1).
use strict;
use warnings;
our (%one, %many, %nr);

# Replaces a file by renaming a new one over it, so that a link or a half-written file is never there.
sub write_content {
  my $path = $one{path};
  make_parents($path);
  my $new = "$path.repronim-$$";
  sysopen my $file, $new, 01 | 0100 | 0200 | 0400000, 0600 or give_up("$new: $!"); # O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
  copy_bytes(\*STDIN, $file, -1);
  chmod $one{mode}, $file or give_up("$new: $!");
  close $file or give_up("$new: $!");
  rename $new, $path or do { my $why = $!; unlink $new; give_up("$path: $why") };
}

# Makes the devices that are missing, for a bare chroot, and says which.
sub make_missing_devices {
  make_parents('/dev/shm/');
  umask 0;
  for (['null', 1, 3], ['zero', 1, 5], ['full', 1, 7], ['random', 1, 8], ['urandom', 1, 9], ['tty', 5, 0]) {
    my ($name, $major, $minor) = @$_;
    my $path = "/dev/$name";
    next if lstat $path; # scalar: whether it is there
    # Where even that is forbidden, what is written to /dev/null at least finds a place.
    my $made = defined kernel('mknodat', AT_FDCWD(), "$path\0", 020666, $major << 8 | $minor)
      || $name eq 'null' && write_file($path, '');
    say_parent($path) if $made;
  }
}

sub give_up { print STDERR "$_[0]\n"; exit 1 }

sub make_parents {
  my ($path) = @_;
  for (my $at = index $path, '/', 1; $at > 0; $at = index $path, '/', $at + 1) {
    my $folder = substr $path, 0, $at;
    mkdir $folder, 0755 or do { my $why = $!; -d $folder or give_up("$folder: $why") };
  }
}

# Copies so many bytes, or all with -1.
sub copy_bytes {
  my ($from, $to, $left) = @_;
  while ($left != 0) {
    my $size = sysread $from, my $bytes, $left < 0 || $left > 262144 ? 262144 : $left;
    give_up("read: $!") unless defined $size;
    last if $size == 0 && $left < 0;
    give_up('the archive ends in the middle') if $size == 0;
    write_bytes($to, $bytes) if defined $to;
    $left -= $size if $left > 0;
  }
}

sub write_bytes {
  my ($to, $bytes) = @_;
  for (my $done = 0; $done < length $bytes;) {
    my $more = syswrite $to, $bytes, length($bytes) - $done, $done;
    give_up("write: $!") unless defined $more;
    $done += $more;
  }
}

sub read_exactly {
  my ($size) = @_;
  my $bytes = '';
  while (length $bytes < $size) {
    my $more = sysread STDIN, $bytes, $size - length $bytes, length $bytes;
    give_up("read: $!") unless defined $more;
    give_up('the archive ends in the middle') if $more == 0;
  }
  return $bytes;
}

# Where the folder can become our root, no member can leave it whatever links are made; else links are not crossed.
my $bound = 0;

sub untar {
  my $into = $one{into};
  make_parents("$into/");
  $bound = chroot $into;
  chdir($bound ? '/' : $into) or give_up("$into: $!");
  umask 0;
  my (%extended, %global, @folders);
  while (1) {
    my $header = read_exactly(512);
    last if $header eq "\0" x 512;
    my $member = parse_header($header);
    my $padding = -$member->{size} % 512;
    if ($member->{type} =~ /^[xgLK]$/) {
      give_up('a header is too large') if $member->{size} > 16 << 20;
      my $data = read_exactly($member->{size} + $padding);
      substr($data, $member->{size}) = '';
      if ($member->{type} eq 'L') { $extended{path} = $data =~ s/\0.*//sr }
      elsif ($member->{type} eq 'K') { $extended{linkpath} = $data =~ s/\0.*//sr }
      else { parse_pax($data, $member->{type} eq 'g' ? \%global : \%extended) }
      next;
    }
    my %all = (%global, %extended);
    %extended = ();
    $member->{path} = $all{path} if defined $all{path};
    # Of its whole name: what a header holds of a long one may be cut after a slash.
    $member->{type} = '5' if $member->{type} eq '0' && $member->{path} =~ m{/\z};
    $member->{link} = $all{linkpath} if defined $all{linkpath};
    for my $number (qw(uid gid)) { $member->{$number} = $all{$number} if ($all{$number} // '') =~ /^\d+$/ }
    $member->{time} = $all{mtime} if ($all{mtime} // '') =~ /^\d+(\.\d+)?$/;
    if (($all{size} // '') =~ /^\d+$/) { $member->{size} = $all{size}; $padding = -$member->{size} % 512 }
    $member->{capability} = $all{'SCHILY.xattr.security.capability'};
    my $path = safe_path($member->{path});
    $member->{size} = $padding = 0 if $member->{type} =~ /^[1-6]$/;
    if (!length $path) { put_attributes('.', $member) if $member->{type} eq '5'; push @folders, ['.', $member] }
    else { put_member($path, $member); push @folders, [$path, $member] if $member->{type} eq '5' }
    copy_bytes(\*STDIN, undef, $member->{left}) if $member->{left};
    copy_bytes(\*STDIN, undef, $padding) if $padding;
  }
  # Last, since what is made in a folder changes its time, and a folder may not be writable.
  put_attributes(@$_) for reverse @folders;
  1 while sysread STDIN, my $rest, 65536;
}

sub parse_header {
  my ($header) = @_;
  my ($name, $mode, $uid, $gid, $size, $time, $sum, $type, $link, $magic, undef, undef, undef, $major, $minor, $prefix) =
    unpack 'Z100 a8 a8 a8 a12 a12 a8 a1 Z100 a6 a2 Z32 Z32 a8 a8 Z155', $header;
  my $expected = number($sum);
  my $copy = $header;
  substr($copy, 148, 8) = ' ' x 8;
  give_up('not a tar: a checksum is wrong') if unpack('%32C*', $copy) != $expected;
  $name = "$prefix/$name" if $magic eq "ustar\0" && length $prefix;
  $type = '0' if $type eq "\0" || $type eq '7';
  return {
    path => $name, mode => number($mode) & 07777, uid => number($uid), gid => number($gid), size => number($size),
    time => number($time), type => $type, link => $link,
  };
}

# Octal digits, or (a GNU extension) big-endian bytes with the first bit set.
sub number {
  my ($field) = @_;
  if (ord($field) & 0x80) {
    my $value = ord($field) & 0x7f;
    $value = $value * 256 + $_ for unpack 'C*', substr $field, 1;
    return $value;
  }
  return $field =~ /([0-7]+)/ ? oct $1 : 0;
}

sub parse_pax {
  my ($data, $into) = @_;
  while ($data =~ /\G(\d+) /gc) {
    my $length = $1 - length($1) - 1;
    my $record = substr $data, pos($data), $length;
    pos($data) += $length;
    my ($key, $value) = $record =~ /^([^=]*)=(.*)\n\z/s or give_up('a pax header is wrong');
    $into->{$key} = $value;
  }
}

sub safe_path {
  my ($path) = @_;
  my @parts = grep { length && $_ ne '.' } split m{/}, $path;
  give_up("$path leads out of the archive") if $path =~ /\0/ || grep { $_ eq '..' } @parts;
  return join '/', @parts;
}

sub put_member {
  my ($path, $member) = @_;
  my $type = $member->{type};
  my $at = '';
  my @parts = split m{/}, $path;
  pop @parts;
  for my $part (@parts) {
    $at .= "$part/";
    give_up("$path goes through a link") if !$bound && -l substr $at, 0, -1;
    mkdir $at, 0755 or do { my $why = $!; -d $at or give_up("$at: $why") };
  }
  if ($type eq '5') {
    mkdir $path, 0700 or -d $path && !($bound ? 0 : -l $path) or replace($path, sub { mkdir $path, 0700 });
    return put_attributes($path, { %$member, mode => $member->{mode} | 0700, time => undef });
  }
  if ($type eq '0') {
    my $file;
    my $flags = 01 | 0100 | 0200 | 0400000;
    sysopen $file, $path, $flags, 0600 or replace($path, sub { sysopen $file, $path, $flags, 0600 });
    copy_bytes(\*STDIN, $file, $member->{size});
    close $file or give_up("$path: $!");
  } elsif ($type eq '1') {
    my $to = safe_path($member->{link});
    link $to, $path or replace($path, sub { link $to, $path });
    return;
  } elsif ($type eq '2') {
    symlink $member->{link}, $path or replace($path, sub { symlink $member->{link}, $path });
  } elsif ($type eq '6') {
    replace($path, sub { defined kernel('mknodat', AT_FDCWD(), "$path\0", 010600, 0) });
  } elsif ($type =~ /^[34]$/) {
    print STDERR "$path is a device and was left out\n";
    return;
  } else {
    print STDERR "$path is of a kind ($type) that is not known and was left out\n";
    $member->{left} = $member->{size};
    return;
  }
  put_attributes($path, $member);
}

sub replace {
  my ($path, $make) = @_;
  unlink $path or rmdir $path;
  $make->() or give_up("$path: $!");
}

# Owner first: chown takes set-id bits and capabilities away.
sub put_attributes {
  my ($path, $member) = @_;
  my $link = $member->{type} eq '2';
  if ($> == 0) { # a namespace may not have that owner: then it stays ours
    kernel('fchownat', AT_FDCWD(), "$path\0", $member->{uid}, $member->{gid}, 0x100);
  }
  chmod $member->{mode}, $path or give_up("$path: $!") unless $link;
  if (length($member->{capability} // '')) {
    kernel('lsetxattr', "$path\0", "security.capability\0", "$member->{capability}", length $member->{capability}, 0);
  }
  if (defined $member->{time}) {
    my ($seconds, $fraction) = split /\./, $member->{time};
    my $nanoseconds = substr(($fraction // '') . '0' x 9, 0, 9) + 0;
    my $times = pack 'q4', ($seconds, $nanoseconds) x 2;
    kernel('utimensat', AT_FDCWD(), "$path\0", $times, 0x100);
  }
}

sub tar {
  my (%seen);
  my @paths = sort @{$many{path} // []};
  chdir '/' or give_up("/: $!");
  binmode STDOUT;
  pack_path(safe_path($_), \%seen) for @paths;
  write_bytes(\*STDOUT, "\0" x 1024);
}

sub pack_path {
  my ($path, $seen) = @_;
  my @stat = lstat(length $path ? $path : '.') or return; # what is not there is not in it
  my ($device, $inode, $mode, $links, $uid, $gid, $size, $time) = @stat[0, 1, 2, 3, 4, 5, 7, 9];
  return if $seen->{names}{$path}++;
  my $kind = ($mode & 0170000) >> 12;
  my %member = (path => $path, mode => $mode & 07777, uid => $uid, gid => $gid, size => 0, time => $time, link => '');
  if ($kind == 010) {
    my $first = $links > 1 ? $seen->{inodes}{"$device:$inode"} : undef;
    if (defined $first) { return put_header({ %member, type => '1', link => $first }) }
    $seen->{inodes}{"$device:$inode"} = $path if $links > 1;
    sysopen my $file, $path, 0400000 | 04000 or do { print STDERR "$path: $!\n"; return };
    $member{capability} = capability($path) if $mode & 0111;
    put_header({ %member, type => '0', size => $size });
    put_content($file, $size);
  } elsif ($kind == 012) { put_header({ %member, type => '2', link => readlink $path }) }
  elsif ($kind == 01) { put_header({ %member, type => '6' }) }
  elsif ($kind == 04) {
    put_header({ %member, path => length $path ? "$path/" : './', type => '5' });
    opendir my $folder, length $path ? $path : '.' or do { print STDERR "$path: $!\n"; return };
    my @names = sort grep { $_ ne '.' && $_ ne '..' } readdir $folder;
    closedir $folder;
    for my $name (@names) {
      my $child = length $path ? "$path/$name" : $name;
      my @below = lstat $child;
      # Never across a mount. An overlay has other device numbers for files than for folders (xino in overlayfs.rst).
      next if is_mounted($child) || -d _ && $below[0] != $device;
      pack_path($child, $seen);
    }
  }
}

# Whether something is mounted at a path, as far as /proc is there to tell: proc_pid_mountinfo(5).
my $mounted;
sub is_mounted {
  $mounted //= { map { my $at = (split)[4]; $at =~ s/\\([0-7]{3})/chr oct $1/ge; ($at => 1) }
    split /\n/, read_file('/proc/self/mountinfo') // '' };
  return $mounted->{"/$_[0]"};
}

sub capability {
  my ($path) = @_;
  my @call = ("$path\0", "security.capability\0", "\0" x 64);
  my $length = syscall $nr{lgetxattr}, @call, 64;
  return $length > 0 ? substr $call[2], 0, $length : undef;
}

# Exactly as many bytes as the header says, also where the file changes meanwhile.
sub put_content {
  my ($file, $size) = @_;
  my $left = $size;
  while ($left > 0) {
    my $more = sysread $file, my $bytes, $left > 262144 ? 262144 : $left;
    last unless $more;
    write_bytes(\*STDOUT, $bytes);
    $left -= $more;
  }
  write_bytes(\*STDOUT, "\0" x ($left + -$size % 512));
}

sub put_header {
  my ($member) = @_;
  my %long;
  $long{path} = $member->{path} if length $member->{path} > 100;
  $long{linkpath} = $member->{link} if length $member->{link} > 100;
  $long{size} = $member->{size} if $member->{size} > 8_589_934_591; # eleven octal digits
  for my $number (qw(uid gid)) { $long{$number} = $member->{$number} if $member->{$number} > 07777777 }
  $long{'SCHILY.xattr.security.capability'} = $member->{capability} if defined $member->{capability};
  if (%long) {
    my $records = join '', map { pax_record($_, $long{$_}) } sort keys %long;
    write_bytes(\*STDOUT, header({ path => 'pax', mode => 0644, uid => 0, gid => 0, size => length $records, time => 0,
      type => 'x', link => '' }) . $records . "\0" x (-length($records) % 512));
  }
  write_bytes(\*STDOUT, header($member));
}

sub pax_record {
  my ($key, $value) = @_;
  my $rest = length(" $key=\n") + length $value;
  my $length = $rest + length $rest;
  $length = $rest + length $length if length($length) != length $rest;
  return "$length $key=$value\n";
}

sub header {
  my ($member) = @_;
  my $octal = sub { my ($value, $digits) = @_; sprintf "%0${digits}o\0", $value > 8 ** $digits - 1 ? 0 : $value };
  my $header = pack 'a100 a8 a8 a8 a12 a12 a8 a1 a100 a6 a2 a32 a32 a8 a8 a155 x12', substr($member->{path}, 0, 100),
    $octal->($member->{mode}, 7), $octal->($member->{uid}, 7), $octal->($member->{gid}, 7), $octal->($member->{size}, 11),
    $octal->($member->{time} < 0 ? 0 : $member->{time}, 11), ' ' x 8, $member->{type}, substr($member->{link}, 0, 100),
    "ustar\0", '00', '', '', $octal->(0, 7), $octal->(0, 7), '';
  substr($header, 148, 8) = sprintf "%06o\0 ", unpack '%32C*', $header;
  return $header;
}

1;
