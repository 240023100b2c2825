import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { encodeName } from '../../../roots/names.ts';
import type { Laid } from './merge.ts';

/** What a package's files in dpkg's `info` folder are called: with the architecture where several may be installed. */
export function infoName({ deb, fields }: Laid): string {
  return fields.get('multi-arch') === 'same' ? `${deb.name}:${deb.architecture}` : deb.name;
}

/**
 * Writes dpkg's database as `dpkg --unpack` leaves it for these packages: control files and lists, a status in which
 * all are unpacked, triggers that they are interested in. Conffiles stand in their place, so their digests are
 * written as of configured packages. `skip` are paths that other packages have taken over.
 */
export function writeDatabase(
  root: string,
  packages: readonly Laid[],
  skip: readonly ReadonlySet<string>[],
  { holds, architectures }: { readonly holds: ReadonlySet<string>; readonly architectures: readonly string[] },
): void {
  const database = join(root, 'var/lib/dpkg');
  const info = join(database, 'info');
  for (const folder of ['', 'info', 'updates', 'triggers', 'alternatives', 'parts']) {
    mkdirSync(join(database, folder), { recursive: true, mode: 0o755 });
  }
  packages.forEach((laid, index) => {
    const name = infoName(laid);
    for (const { name: part, mode, content } of laid.payload.control) {
      if (part !== 'control') writeNew(join(info, `${name}.${part}`), content, mode);
    }
    const paths = laid.payload.entries.map((entry) => entry.slice(1)).filter((path) => skip[index]?.has(path) !== true);
    writeNew(join(info, `${name}.list`), nameLines(paths.map((path) => (path === '/' ? '/.' : path))));
  });
  writeNew(join(info, 'format'), '1\n');
  writeNew(join(database, 'status'), packages.map((laid) => stanza(laid, holds)).join('\n'));
  if (architectures.length > 0) writeNew(join(database, 'arch'), lines(architectures));
  writeTriggers(join(database, 'triggers'), packages);
}

function stanza(laid: Laid, holds: ReadonlySet<string>): string {
  const { deb, control } = laid;
  const want = holds.has(`${deb.name}:${deb.architecture}`) ? 'hold' : 'install';
  const fields = control
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n')
    .replace(/^Status:.*\n/m, '');
  const conffiles = conffilesOf(laid);
  const lines = conffiles.length === 0 ? '' : `Conffiles:\n${conffiles.join('\n')}\n`;
  return `${fields}\nStatus: ${want} ok unpacked\n${lines}`;
}

function conffilesOf({ payload }: Laid): string[] {
  const listed = payload.control.find(({ name }) => name === 'conffiles')?.content.toString('utf8') ?? '';
  return listed
    .split('\n')
    .map((line) => line.trim())
    .filter((path) => Object.hasOwn(payload.conffiles, path))
    .map((path) => ` ${path} ${payload.conffiles[path]}`);
}

/** `File` and one file a name, as trigger interests are kept (deb-triggers(5), dpkg's doc/triggers.txt). */
function writeTriggers(folder: string, packages: readonly Laid[]): void {
  const files: string[] = [];
  const named = new Map<string, string[]>();
  for (const laid of packages) {
    const declared = laid.payload.control.find(({ name }) => name === 'triggers')?.content.toString('utf8') ?? '';
    for (const line of declared.split('\n')) {
      const [directive, trigger] = line.replace(/#.*/, '').trim().split(/\s+/);
      if (directive === undefined || trigger === undefined || !/^interest(?:-await|-noawait)?$/.test(directive))
        continue;
      const interested = infoName(laid) + (directive === 'interest-noawait' ? '/noawait' : '');
      if (trigger.startsWith('/')) files.push(`${trigger} ${interested}`);
      else if (/^[A-Za-z0-9][A-Za-z0-9.:+~_-]{0,200}$/.test(trigger)) {
        named.set(trigger, [...(named.get(trigger) ?? []), interested]);
      }
    }
  }
  if (files.length > 0) writeNew(join(folder, 'File'), lines(files));
  for (const [trigger, interested] of named) writeNew(join(folder, trigger), lines(interested));
  writeNew(join(folder, 'Unincorp'), '');
  writeNew(join(folder, 'Lock'), '', 0o600);
}

function lines(of: readonly string[]): string {
  return of.map((line) => `${line}\n`).join('');
}

function nameLines(paths: readonly string[]): Buffer {
  return Buffer.concat(paths.flatMap((path) => [Buffer.from(encodeName(path) as string), Buffer.from('\n')]));
}

function writeNew(file: string, content: string | Buffer, mode = 0o644): void {
  writeFileSync(file, content, { mode, flag: 'wx' });
  chmodSync(file, mode);
}
