import { readFileSync, statSync, writeFileSync } from 'node:fs';

import * as v from 'valibot';

import { sh } from '../../formats/render/quote.ts';
import { sha256, UserError } from '../../model/index.ts';
import { askOnce } from './ask-once.ts';
import { carriedWords } from './carried-perl.ts';
import { connectionTo, type Connection } from './connection.ts';
import { fieldBytes } from './frames.ts';
import { install, ownParts, type Part } from './install.ts';

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

/** Programs that are asked for: what we can do with what is there. */
const asked = ['perl', 'tar', 'zstd', 'gzip', 'podman', 'apptainer', 'singularity'] as const;

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
[ -e "$folder/lib/$2/perl/loader" ] && printf 'brought\\0'
for program in ${asked.join(' ')}; do
  for bin in /usr/local/bin /usr/bin /bin /usr/local/sbin /usr/sbin /sbin; do
    [ -x "$bin/$program" ] && { printf '%s\\0' "$program"; break; }
  done
done
:
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
  const contents = ownParts();
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
      const lib = `${folder}/lib/${digest}`;
      const perl = facts.programs.includes('perl') ? ['perl'] : carriedWords(lib);
      return sh`exec env LC_ALL=C PERL_BADLANG=0 ${[...perl, `${lib}/remote.pl`, mode, word]}`;
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
  contents: readonly Part[],
): Promise<Facts> {
  const said = await askOnce(connection, sh`exec /bin/sh -s ${wanted} ${digest}`, Buffer.from(aroundScript));
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
  if (machine === undefined) {
    throw new UserError(`nothing is known about machines like ${host} (${kernelMachine})`, {
      status: 4,
      hint: `known: ${Object.keys(machines).join(', ')}`,
    });
  }
  await install(connection, { lib: `${folder}/lib/${digest}`, machine, there: new Set(programs) }, contents);
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
