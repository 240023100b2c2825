import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openStore } from '../../src/archives/store.ts';
import type {
  Backend,
  BackendContext,
  Confinement,
  Instance,
  InstanceRecord,
  Rootfs,
} from '../../src/contract/index.ts';

export const confined: Confinement = { level: 'confined', network: 'none', mounts: [] };

/** A context whose facts go to `record.json` in the state folder, as the inventory would keep them. */
export function backendContext(state: string, signal = new AbortController().signal): BackendContext {
  mkdirSync(state, { recursive: true });
  return {
    store: openStore(join(state, '..', 'store')),
    onProgress() {},
    signal,
    settings: () => ({}),
    state,
    async record(facts) {
      writeFileSync(join(state, 'record.json'), JSON.stringify(facts));
    },
  };
}

/** The facts that were recorded last. */
export function recorded(state: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(join(state, 'record.json'), 'utf8')) as Readonly<Record<string, unknown>>;
}

/** An empty folder of a test's own; removed at the latest when the process ends. */
export function folder(name: string): string {
  const made = mkdtempSync(join(tmpdir(), `repronim-${name}-`));
  if (folders.length === 0) {
    process.once('exit', () => folders.forEach((left) => rmSync(left, { recursive: true, force: true })));
  }
  folders.push(made);
  return made;
}

const folders: string[] = [];

export interface Made extends AsyncDisposable {
  readonly instance: Instance;
  readonly record: InstanceRecord;
  readonly context: BackendContext;
  readonly state: string;
}

/** An instance of a test's own; removed with all that is its own. */
export async function makeInstance<P>(
  backend: Backend<P>,
  params: P,
  rootfs: Rootfs,
  confinement: Confinement = confined,
): Promise<Made> {
  const top = folder('instance');
  const state = join(top, 'instance');
  const context = backendContext(state);
  const name = `t-${process.pid}-${(counter += 1)}`;
  const image = await backend.assemble(rootfs, params, backendContext(join(top, 'image')));
  const instance = await backend.launch(image, rootfs, name, confinement, params, context);
  const record = { name, backend: backend.name, image, confinement, facts: recorded(state) };
  return {
    instance,
    record,
    context,
    state,
    async [Symbol.asyncDispose]() {
      await instance.remove();
      rmSync(top, { recursive: true, force: true });
    },
  };
}

let counter = 0;

/** A file of this machine that a program can write to, and what came of it. */
export function capture(): { readonly descriptor: number; text(): string } {
  const file = join(folder('capture'), 'out');
  const descriptor = openSync(file, 'w+');
  return { descriptor, text: () => readFileSync(file, 'utf8') };
}
