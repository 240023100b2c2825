import { posix } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { cutSecrets } from '../../formats/spec/secrets.ts';
import { parseObject } from './record.ts';

/** What activating a prefix sets, and what it would source. */
export interface Activation {
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly scripts: readonly string[];
}

const largest = 1024 * 1024;

/**
 * The variables of `etc/conda/env_vars.d/*.json` (of packages, by name) and of `conda-meta/state` (of a person, who has
 * the last word), and the scripts of `etc/conda/activate.d`.
 * See https://docs.conda.io/projects/conda/en/stable/dev-guide/deep-dives/activation.html.
 */
export async function readActivation(root: Root, top: string): Promise<Activation> {
  const list = async (folder: string, end: RegExp) =>
    (await root.readdir(posix.join(top, folder)).catch(() => []))
      .map(({ name }) => posix.join(folder, name))
      .filter((path) => end.test(path))
      .sort(byBytes);
  const read = async (path: string) =>
    parseObject(await root.readFile(posix.join(top, path), largest).catch(() => Buffer.alloc(0)));
  const set = new Map<string, string>();
  for (const path of await list('etc/conda/env_vars.d', /\.json$/)) take(await read(path), set);
  take((await read('conda-meta/state'))?.['env_vars'], set);
  const env = Object.fromEntries([...set].sort(([a], [b]) => byBytes(a, b)));
  const cut = cutSecrets({ argv: [], env }).env;
  const secrets = Object.keys(env).filter((name) => cut[name] !== env[name]);
  return {
    variables: Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.includes(name))),
    secrets,
    scripts: await list('etc/conda/activate.d', /\.sh$/),
  };
}

/** conda marks a variable that is taken away with this word. */
const unset = '***unset***';

function take(value: unknown, set: Map<string, string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, text] of Object.entries(value)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name) || typeof text !== 'string' || text.includes('\0')) continue;
    if (text === unset) set.delete(name);
    else set.set(name, text);
  }
}
