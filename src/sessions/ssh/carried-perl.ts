import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { encodeHeader, tarEnd, tarPadding } from '../../roots/tar-header.ts';
import { enterEnvironment, findPerl } from '../enter.ts';
import { runProcess } from '../process.ts';

/** Where an interpreter that we have brought along lies, below the folder of our scripts. */
const folder = 'perl';

/** The words that start it there: its own loader and libraries, whatever the host has. See remote.pl, which knows them. */
export function carriedWords(lib: string): readonly string[] {
  const own = `${lib}/${folder}`;
  return [`${own}/loader`, '--library-path', `${own}/lib`, `${own}/perl`, `-I${own}/inc`];
}

/** Says which files an interpreter with these modules is made of: what it has read, and what is mapped into it. */
const program = `
require POSIX; require Errno; require Tie::Hash::NamedCapture; my $named = keys %!; eval { require Digest::SHA; require Digest::MD5 };
print map { "inc/$_\\0$INC{$_}\\0" } grep { $INC{$_} } keys %INC;
print map { m{/(auto/.*)} ? ("inc/$1\\0$_\\0") : () } @DynaLoader::dl_shared_objects;
open my $maps, "<", "/proc/self/maps" or die;
my %mapped = map { m{ (/.*)$} ? ($1 => 1) : () } <$maps>;
my $own = readlink "/proc/self/exe";
print "perl\\0$own\\0";
print map { m{/ld(?:64)?-[^/]*$} ? "loader\\0$_\\0" : m{/auto/} || !m{\\.so(?:\\.[0-9.]+)?$} ? () : "lib/\\0$_\\0" } grep { $_ ne $own } keys %mapped;
`;

/**
 * This machine's perl with what our scripts need, as a tar for the folder of our scripts on a host of the same kind;
 * undefined where this machine has none.
 */
export async function carriedPerl(): Promise<Buffer | undefined> {
  const perl = findPerl();
  if (perl === undefined) return undefined;
  const { stdout } = await runProcess([perl, '-e', program], { env: enterEnvironment, cwd: '/' });
  const words = stdout.toString('utf8').split('\0').slice(0, -1);
  const files = new Map<string, Buffer>();
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [name = '', source = ''] = words.slice(at, at + 2);
    for (const as of name === 'lib/' ? namesOf(source).map((one) => `lib/${one}`) : [name]) {
      files.set(as, readFileSync(source));
    }
  }
  return tarOf(new Map([...files].map(([name, content]) => [`${folder}/${name}`, content])));
}

/** A tar of files that everybody who may read them may run. */
export function tarOf(files: ReadonlyMap<string, Buffer>): Buffer {
  const parts = [...files].map(([name, content]) =>
    Buffer.concat([
      encodeHeader({ name, type: 'file', mode: 0o700, uid: 0, gid: 0, size: content.length, mtimeMs: 0 }),
      content,
      tarPadding(content.length),
    ]),
  );
  return Buffer.concat([...parts, tarEnd]);
}

/** The names under which a library is looked for: its own, and those of the links to it beside it. */
function namesOf(library: string): readonly string[] {
  const beside = dirname(library);
  const [stem = ''] = basename(library).split('.so');
  return readdirSync(beside).filter(
    (name) => name.startsWith(`${stem}.so.`) && realpathSync(join(beside, name)) === realpathSync(library),
  );
}
