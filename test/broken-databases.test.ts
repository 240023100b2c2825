/** One broken database costs its own distribution, with a note that names it, and nothing else. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import type { TraceContext } from '../src/contract/index.ts';
import { openStore } from '../src/archives/store.ts';
import { distributions } from '../src/distributions/index.ts';
import { attribute, type Attributed } from '../src/flows/attribute.ts';
import { withRoot } from './fuzz/parser.ts';
import { systems, type System } from './fuzz/systems.ts';

/** What happens to files: cut short, overwritten, emptied. */
const breakages: Readonly<Record<string, (whole: Buffer) => Buffer>> = {
  cut: (whole) => whole.subarray(0, Math.floor(whole.length * 0.7)),
  junk: (whole) => Buffer.alloc(Math.max(64, whole.length), '\x00\xff{]<\n'),
  empty: () => Buffer.alloc(0),
};

/** Where a text that ends early is one all the same. */
const endsSomewhere = /\/(?:DESCRIPTION|mf\/tool\/1\.0)$/;

test('one broken database costs its own distribution, and nothing else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-broken-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = openStore(join(folder, 'store'));
  const look = async (files: System['files'], ran: System['ran']): Promise<Attributed> => {
    const context: TraceContext = {
      store,
      onProgress: () => {},
      signal: new AbortController().signal,
      settings: () => ({ indexes: [] }),
      scope: 'used',
      keep: false,
      whole: [],
      ran,
    };
    return await withRoot(files, async (root) => await attribute(Object.keys(files), root, distributions, context));
  };
  for (const { files, databases, ran } of await systems(folder)) {
    const whole = await look(files, ran);
    const before = byType(whole);
    for (const [type, path] of databases) {
      assert.ok(before.has(type), `${type} is found: ${[...before.keys()].join(' ')}`);
      for (const [how, breaks] of Object.entries(breakages)) {
        await t.test(`${type}: ${path}, ${how}`, async () => {
          const is = await look({ ...files, [path]: breaks(files[path] ?? Buffer.alloc(0)) }, ran);
          const after = byType(is);
          for (const [other, was] of before) {
            // what nobody has falls to the trees that were put there by hand
            if (other !== type && other !== 'prefix') assert.equal(after.get(other), was, other);
          }
          if (after.get(type) === before.get(type)) return;
          const told = is.notes.filter(({ kind, path: at = '' }) => kind === 'unreadable' && isNear(at, path));
          if (how !== 'cut' || !endsSomewhere.test(path)) assert.ok(told.length > 0, JSON.stringify(is.notes));
        });
      }
    }
  }
});

/** A note names the file, or the work tree that it is of. */
function isNear(named: string, path: string): boolean {
  return path === named || (named.length > 1 && path.startsWith(`${named}/`));
}

/** What was found, by type, as one text. */
function byType({ described }: Attributed): ReadonlyMap<string, string> {
  return new Map(
    [...Map.groupBy(described, ({ type }) => type)].map(([type, all]) => [
      type,
      JSON.stringify(all.map(({ spec, lock }) => [spec, lock])),
    ]),
  );
}
