import { readFileSync } from 'node:fs';

import { sh } from '../../formats/render/quote.ts';
import { UserError } from '../../model/index.ts';
import { askOnce } from './ask-once.ts';
import { carriedPerl, tarOf } from './carried-perl.ts';
import type { Connection } from './connection.ts';

/** A script of ours that runs on hosts. */
export interface Part {
  readonly name: string;
  readonly content: Buffer;
}

const parts = [
  ...['remote.pl', 'serve.pl', 'look.pl'].map((name) => new URL(name, import.meta.url)),
  ...['enter.pl', 'engine.pl', 'files.pl', 'leave.pl', 'mounts.pl', 'terminal.pl'].map(
    (name) => new URL(`../enclosure/${name}`, import.meta.url),
  ),
];

/** All of them. */
export function ownParts(): readonly Part[] {
  return parts.map((part) => ({ name: part.pathname.split('/').at(-1) ?? '', content: readFileSync(part) }));
}

/** Takes our scripts in: name, length, content, again and again. They are there whole or not at all. */
const takeIn = `
my ($folder) = @ARGV;
umask 077;
for (my $at = index $folder, "/", 1; ; $at = index $folder, "/", $at + 1) {
  my $path = $at < 0 ? $folder : substr $folder, 0, $at;
  mkdir $path, 0700 or -d $path or die "$path: $!\\n";
  last if $at < 0;
}
binmode DATA;
local $/;
my $all = <DATA>;
while (length $all) {
  my ($name, $size) = unpack "Z32 N", $all;
  die "it came in half\\n" if length $all < 36 + $size;
  die "not a name\\n" unless $name =~ /^[a-z]+\\.pl\\z/;
  open my $file, ">", "$folder/$name.$$" or die "$folder: $!\\n";
  print $file substr $all, 36, $size;
  close $file and rename "$folder/$name.$$", "$folder/$name" or die "$folder/$name: $!\\n";
  substr $all, 0, 36 + $size, "";
}
open my $whole, ">", "$folder/whole" or die "$folder: $!\\n";
`;

/** A host, as far as that matters here. */
interface Place {
  /** The folder of our scripts there. */
  readonly lib: string;
  readonly machine: string;
  /** Words that it has answered with: programs that it has, `installed` and `brought` for what is there of ours. */
  readonly there: ReadonlySet<string>;
}

/** Sees to it that our scripts are there, and where the host has no perl, this machine's perl with them. */
export async function install(connection: Connection, place: Place, contents: readonly Part[]): Promise<void> {
  const { lib, there } = place;
  if (!there.has('perl')) {
    if (!there.has('brought')) await bring(connection, place, contents);
    return;
  }
  if (there.has('installed')) return;
  const packed = contents.map(({ name, content }) => {
    const head = Buffer.alloc(36);
    head.write(name);
    head.writeUInt32BE(content.length, 32);
    return Buffer.concat([head, content]);
  });
  await askOnce(
    connection,
    sh`exec env LC_ALL=C PERL_BADLANG=0 perl - ${lib}`,
    Buffer.concat([Buffer.from(`${takeIn}__END__\n`), ...packed]),
  );
}

async function bring(connection: Connection, { lib, machine, there }: Place, contents: readonly Part[]): Promise<void> {
  const { host } = connection;
  const refused = (because: string) =>
    new UserError(`${host} has no perl, and none can be brought there: ${because}`, {
      status: 4,
      hint: 'its administrator installs perl-base (Debian, Ubuntu), perl-interpreter (Fedora, Rocky) or perl (Alpine, Arch)',
    });
  if (!there.has('tar')) throw refused('it has no tar either');
  if (machine !== process.arch) throw refused(`it is ${machine}, and this machine ${process.arch}`);
  const perl = await carriedPerl();
  if (perl === undefined) throw refused('this machine has none');
  const scripts = tarOf(new Map(contents.map(({ name, content }) => [name, content])));
  const whole = Buffer.concat([scripts.subarray(0, -1024), perl]);
  const script = 'umask 077 && mkdir -p "$1" && cd "$1" && tar -xf - && : > whole';
  await askOnce(connection, sh`exec /bin/sh -c ${script} sh ${lib}`, whole);
}
