import { readFileSync, statSync, writeFileSync } from 'node:fs';

import * as v from 'valibot';

import { sh } from '../../formats/render/quote.ts';
import { sha256, UserError } from '../../model/index.ts';
import { runProcess } from '../process.ts';
import { connectionTo, sshEnvironment, type Connection } from './connection.ts';
import { fieldBytes } from './frames.ts';

/** A host, with what of ours is there. */
export interface Host {
  readonly connection: Connection;
  /** Absolute: below it is everything that we put there. */
  readonly folder: string;
  readonly uid: number;
  /** As whom we are there. */
  readonly as: {
    readonly uid: number;
    readonly gid: number;
    readonly groups: readonly number[];
    readonly umask: string;
    readonly home: string;
  };
  readonly machine: string;
  /** Programs of a short list that are there. */
  readonly programs: ReadonlySet<string>;
  /** The line of a remote shell that runs our part there: nothing in it but words that no shell reads anything in. */
  line(mode: 'exec' | 'serve' | 'look', fields: readonly (string | number)[]): string;
}

const parts = [
  ...['remote.pl', 'serve.pl', 'look.pl'].map((name) => new URL(name, import.meta.url)),
  ...['enter.pl', 'files.pl', 'leave.pl', 'mounts.pl', 'terminal.pl'].map(
    (name) => new URL(`../enclosure/${name}`, import.meta.url),
  ),
];

/** Finds out what a host is; POSIX sh is enough for it. On standard input: whatever shell somebody has there reads none of it. */
const aroundScript = `
mask=$(umask)
folder=$1
case $folder in
  /*) ;;
  *) folder=\${HOME:-/nonexistent}/$folder ;;
esac
printf '%s\\0' "" repronim "$folder" "$(id -u)" "$(uname -m)" "$(uname -s)" "$(id -g)" "$(id -G)" "$mask" "\${HOME:-/}"
[ -e "$folder/lib/$2/whole" ] && printf 'installed\\0'
for program in perl zstd gzip podman apptainer singularity; do
  for bin in /usr/local/bin /usr/bin /bin /usr/local/sbin /usr/sbin /sbin; do
    [ -x "$bin/$program" ] && { printf '%s\\0' "$program"; break; }
  done
done
:
`;

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

const known = new Map<string, Promise<Host>>();

/** The host, connected, with our part there. `folder`: where that lies, below the home folder unless it is absolute. */
export async function openHost(
  name: string,
  options: { readonly folder?: string; readonly config?: string } = {},
): Promise<Host> {
  const folder = options.folder ?? '.local/share/repronim/remote';
  const key = JSON.stringify([name, folder, options.config]);
  const held = known.get(key) ?? open(connectionTo(name, options.config), folder);
  known.set(key, held);
  try {
    const host = await held;
    await host.connection.ensure();
    return host;
  } catch (error) {
    known.delete(key);
    throw error;
  }
}

async function open(connection: Connection, wanted: string): Promise<Host> {
  await connection.ensure();
  const contents = parts.map((part) => ({ name: part.pathname.split('/').at(-1) ?? '', content: readFileSync(part) }));
  const digest = sha256(Buffer.concat(contents.map(({ content }) => content))).slice(0, 16);
  const key = [digest, wanted];
  const facts = recall(connection, key) ?? (await lookAround(connection, wanted, digest, contents));
  remember(connection, key, facts);
  const { folder, machine, as } = facts;
  return {
    connection,
    folder,
    uid: as.uid,
    as,
    machine,
    programs: new Set(facts.programs),
    line(mode, fields) {
      const word = fieldBytes(['@machine', machine, ...fields]).toString('hex');
      if (word.length > largestWord) throw new RangeError('too much for a command line');
      return sh`exec env LC_ALL=C PERL_BADLANG=0 perl ${`${folder}/lib/${digest}/remote.pl`} ${mode} ${word}`;
    },
  };
}

const factsSchema = v.object({
  folder: v.string(),
  machine: v.string(),
  programs: v.array(v.string()),
  as: v.object({
    uid: v.number(),
    gid: v.number(),
    groups: v.array(v.number()),
    umask: v.string(),
    home: v.string(),
  }),
});

type Facts = v.InferOutput<typeof factsSchema>;

/** What was found out over this very connection; by whichever process of ours. */
function recall({ socket }: Connection, key: readonly string[]): Facts | undefined {
  try {
    const held = JSON.parse(readFileSync(`${socket}.json`, 'utf8')) as {
      readonly of?: unknown;
      readonly facts?: unknown;
    };
    if (JSON.stringify(held.of) !== JSON.stringify([...key, bornOf(socket)])) return undefined;
    const facts = v.safeParse(factsSchema, held.facts);
    return facts.success ? facts.output : undefined;
  } catch {
    return undefined; // it is the first time, or somebody else is writing it
  }
}

function remember({ socket }: Connection, key: readonly string[], facts: Facts): void {
  writeFileSync(`${socket}.json`, JSON.stringify({ of: [...key, bornOf(socket)], facts }), { mode: 0o600 });
}

function bornOf(socket: string): string {
  const { ino, ctimeMs } = statSync(socket);
  return `${ino} ${ctimeMs}`;
}

/** Finds out what a host is, and sees to it that our part is there. */
async function lookAround(
  connection: Connection,
  wanted: string,
  digest: string,
  contents: readonly { readonly name: string; readonly content: Buffer }[],
): Promise<Facts> {
  const said = await ask(connection, sh`exec /bin/sh -s ${wanted} ${digest}`, Buffer.from(aroundScript));
  const [chatter = '', mark, ...answers] = said.toString('utf8').split('\0').slice(0, -1);
  const [folder = '', uid = '', kernelMachine = '', kernel, gid, groups = '', umask = '', home = '/'] = answers;
  const programs = answers.slice(8);
  const { host } = connection;
  if (chatter !== '' && mark === 'repronim') {
    throw new UserError(`the shell of ${host} writes something of its own before every command`, {
      hint: 'what greets people there has to be written in interactive shells only',
      details: [chatter.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, 200)],
      status: 4,
    });
  }
  if (mark !== 'repronim' || !folder.startsWith('/') || !/^\d+$/.test(uid)) {
    throw new UserError(`${host} does not answer as a Linux machine with a shell does`, { status: 4 });
  }
  if (kernel !== 'Linux') throw new UserError(`${host} is no Linux machine`, { status: 4 });
  const machine = machines[kernelMachine];
  if (!programs.includes('perl') || machine === undefined) {
    throw new UserError(
      machine === undefined ? `nothing is known about machines like ${host}` : `${host} has no perl`,
      { status: 4, hint: 'perl-base (Debian) or perl-interpreter (Fedora) is enough' },
    );
  }
  if (!programs.includes('installed')) await install(connection, `${folder}/lib/${digest}`, contents);
  const others = groups.split(' ').map(Number);
  return {
    folder,
    machine,
    programs,
    as: {
      uid: Number(uid),
      gid: Number(gid),
      groups: others.filter((group) => Number.isSafeInteger(group) && group !== Number(gid)),
      umask: /^[0-7]{3,4}$/.test(umask) ? umask.padStart(4, '0') : '0022',
      home,
    },
  };
}

/** Linux takes 128 KiB for one word, and the whole line is one for the shell that gets it. */
const largestWord = 120_000;

const machines: Readonly<Record<string, string>> = {
  x86_64: 'x64',
  aarch64: 'arm64',
  riscv64: 'riscv64',
  loongarch64: 'loong64',
};

async function install(
  connection: Connection,
  folder: string,
  contents: readonly { readonly name: string; readonly content: Buffer }[],
): Promise<void> {
  const packed = contents.map(({ name, content }) => {
    const head = Buffer.alloc(36);
    head.write(name);
    head.writeUInt32BE(content.length, 32);
    return Buffer.concat([head, content]);
  });
  await ask(
    connection,
    sh`exec env LC_ALL=C PERL_BADLANG=0 perl - ${folder}`,
    Buffer.concat([Buffer.from(`${takeIn}__END__\n`), ...packed]),
  );
}

async function ask(connection: Connection, line: string, input: Buffer): Promise<Buffer> {
  const result = await runProcess(connection.argv(line), {
    env: sshEnvironment(),
    accept: 'any',
    limit: 1024 * 1024,
    input,
  });
  if (result.status === 0) return result.stdout;
  const said = result.stderr
    .toString('utf8')
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(-300);
  throw new UserError(`cannot do anything on ${connection.host}: ${said === '' ? `status ${result.status}` : said}`, {
    status: 4,
  });
}
