# Perl: modules, a pipe from a program, in-place editing, a change of folder, a file test.
use strict;
use warnings;
use Cwd;
use File::Copy;
use File::Temp;
$| = 1;
sub truth { my ($what, $path) = @_; $path = getcwd() . "/$path" unless $path =~ m{^/}; print qq({"$what": "$path"}\n) }
copy('given/data', 'copy') or die;
truth('read', 'given/data');
truth('written', 'copy');
open(my $pipe, '-|', 'sort', 'given/other') or die;
my @lines = <$pipe>;
truth('read', 'given/other');
{ local ($^I, @ARGV) = ('.bak', 'copy'); while (<>) { print } }
truth('written', 'copy.bak');
chdir 'given' or die;
open(my $file, '<', 'log') or die;
truth('read', 'log');
truth('directory', getcwd());
die 'there' if -e 'missing' or open(my $none, '<', 'missing');
truth('read', Cwd::realpath($_)) for grep { -f } values %INC;
kill 'TERM', $$;
sleep 5;
