import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** Pids whose command line has a word in it; the last ones may take a moment to end. */
export async function processesWith(word: string): Promise<readonly string[]> {
  for (let tries = 0; ; tries += 1) {
    const found = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(word));
    if (found.length === 0 || tries === 40) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** What is given back by closing a descriptor. */
export function closing<T extends { readonly descriptor: number }>(held: T): T & AsyncDisposable {
  return Object.assign(held, {
    async [Symbol.asyncDispose]() {
      closeSync(held.descriptor);
    },
  });
}

/** Bytes as a stream of one. */
export async function* stream(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A tar of members as they are named: also names that nobody should follow. */
export function tarOf(
  members: readonly { name: string; type: '0' | '1' | '2'; link?: string; content?: string }[],
): Buffer {
  const blocks = members.flatMap(({ name, type, link = '', content = '' }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\x000000000\x000000000\x00', 100);
    header.write(`${content.length.toString(8).padStart(11, '0')}\x0000000000000\x00`, 124);
    header.write(`        ${type}${link}`, 148);
    header.write('ustar\x0000', 257);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    return [header, Buffer.from(content), Buffer.alloc(-content.length & 511)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
