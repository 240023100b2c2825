import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, posix } from 'node:path';

import { UserError, type Argv } from '../../model/index.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from '../../roots/tar-header.ts';
import { lookHere } from './look.ts';

/** This machine's strace with all that it needs, to be put into a folder elsewhere. */
export interface Kit {
  /** A tar of the folder, which belongs to that user: names in it begin with the folder's. */
  tar(folder: string, owner: { readonly uid: number; readonly gid: number }): AsyncIterable<Uint8Array>;
  /** The command line as it is there, from one whose program is this machine's strace. */
  argv(folder: string, line: Argv): Argv;
}

/**
 * A program with its libraries, for a root that has none of them, or others: the dynamic linker itself is what is
 * executed, as ld.so(8) has it. A program that is linked statically comes alone.
 */
export async function packKit(program: string, signal: AbortSignal): Promise<Kit> {
  const linker = lookHere(0).interpreter(program, []);
  const libraries = linker === undefined ? [] : await librariesOf(linker.name, program, signal);
  const files = [
    ...(linker === undefined ? [] : [{ name: linkerName, source: linker.name }]),
    { name: basename(program), source: program },
    ...libraries.map((source) => ({ name: `lib/${basename(source)}`, source })),
  ];
  return {
    async *tar(folder, owner) {
      const top = folder.slice(1);
      const header = (of: Partial<Header> & Pick<Header, 'name' | 'type'>) =>
        encodeHeader({ mode: 0o755, ...owner, size: 0, mtimeMs: 0, ...of });
      yield header({ name: top, type: 'directory', mode: 0o700 });
      yield header({ name: `${top}/lib`, type: 'directory' });
      for (const { name, source } of files) {
        const content = readFileSync(source);
        yield header({ name: `${top}/${name}`, type: 'file', size: content.length });
        yield content;
        yield tarPadding(content.length);
      }
      yield tarEnd;
    },
    argv(folder, [, ...rest]) {
      const at = (name: string) => posix.join(folder, name);
      if (linker === undefined) return [at(basename(program)), ...rest];
      return [at(linkerName), '--library-path', at('lib'), at(basename(program)), ...rest];
    },
  };
}

const linkerName = 'ld.so';

/** What the dynamic linker would load for it, as it says itself. */
async function librariesOf(linker: string, program: string, signal: AbortSignal): Promise<string[]> {
  const child = spawn(linker, ['--list', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { LC_ALL: 'C' },
    signal,
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('close', (status) => resolve(status ?? 1));
  if ((await promise) !== 0) throw new UserError(`cannot tell which libraries ${program} needs`, { status: 125 });
  // "	libunwind.so.8 => /lib/x86_64-linux-gnu/libunwind.so.8 (0x…)"
  return [...said.matchAll(/ => (\/.+) \(0x[0-9a-f]+\)$/gm)].map(([, path = '']) => path);
}
