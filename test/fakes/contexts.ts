import { mkdtempSync, readFileSync, rmSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';

import { openStore } from '../../src/archives/store.ts';
import type { CreateContext, Store, TraceContext } from '../../src/contract/index.ts';
import type { Step } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';

/** A scratch folder that goes away with the test, and what plug-ins are given, with a store in it. */
export interface Contexts {
  readonly folder: string;
  readonly store: Store;
  readonly tracing: TraceContext;
  readonly creating: CreateContext;
}

export function contexts(t: TestContext, settings: Readonly<Record<string, unknown>> = {}): Contexts {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = openStore(join(folder, 'store'));
  const common = { store, onProgress: () => {}, signal: new AbortController().signal, settings: () => settings };
  return {
    folder,
    store,
    tracing: { ...common, scope: 'used', keep: true, whole: [] },
    creating: {
      ...common,
      work: join(folder, 'work'),
      trusted: false,
      async fetch() {
        return { from: {}, refused: [], missing: [] };
      },
    },
  };
}

/** Does the `unpack` steps of a plan below a folder, with GNU tar as an independent reader of what we write. */
export async function unpackSteps(steps: readonly Step[], below: string, store: Store): Promise<void> {
  for (const step of steps) {
    if (step.do !== 'unpack') throw new Error(`not expected here: ${step.do}`);
    const file = await store.find(step.archive.sha256);
    if (file === undefined) throw new Error(`not stored: ${step.archive.sha256}`);
    const into = join(below, step.into);
    mkdirSync(into, { recursive: true });
    await runProcess(['tar', '--extract', '--numeric-owner', '--same-permissions', '--directory', into], {
      input: zstdDecompressSync(readFileSync(file)),
    });
  }
}
