import { posix } from 'node:path';

import {
  byBytes,
  canonicalJson,
  UserError,
  type ContentRef,
  type EnvironmentChange,
  type Step,
} from '../../model/index.ts';
import type { Edit, Exact } from '../../contract/index.ts';
import { nameOf } from './history.ts';
import type { CondaLock, CondaSpec } from './spec.ts';

/** The entry with further, fewer or freer packages. What pip put into a prefix stays as it is. */
export function edit(spec: CondaSpec, { install = [], uninstall = [], upgrade = [] }: Edit): CondaSpec {
  const words = new Map((spec.packages ?? []).map((word) => [nameOf(word) ?? word, word]));
  for (const word of install) words.set(named(word), word);
  for (const word of uninstall) {
    const name = named(word);
    if (!words.delete(name))
      throw new UserError(`conda: ${word} is not among the packages of ${spec.path}`, { status: 2 });
  }
  const freed = upgrade === true ? [...words.keys()] : upgrade.map(named);
  for (const name of freed) {
    const word = words.get(name);
    if (word === undefined)
      throw new UserError(`conda: ${name} is not among the packages of ${spec.path}`, { status: 2 });
    // an exact version gives way, a range is what a person wants
    if (/^[^\s<>!~[]+$/.test(word)) words.set(name, word.slice(0, word.includes('=') ? word.indexOf('=') : undefined));
  }
  const packages = [...words].sort(([a], [b]) => byBytes(a, b)).map(([, word]) => word);
  const { packages: _, ...others } = spec;
  return { ...others, ...(packages.length === 0 ? {} : { packages }) };
}

/** What installers make directly below a prefix; environments and caches of conda's own lie beside it. */
const parts = [
  '__clobbers__',
  'bin',
  'compiler_compat',
  'conda-meta',
  'condabin',
  'etc',
  'include',
  'lib',
  'lib64',
  'libexec',
  'man',
  'sbin',
  'share',
  'shell',
  'ssl',
  'sysroot',
  'var',
  'x86_64-conda-linux-gnu',
  'x86_64-conda_cos6-linux-gnu',
];

/** The prefix anew: what packages brought goes, and the tree of the other state comes. */
export function change(from: Exact<CondaSpec, CondaLock>, to: Exact<CondaSpec, CondaLock>): readonly Step[] {
  if (from.spec.path === to.spec.path && canonicalJson(from.lock) === canonicalJson(to.lock)) return [];
  const removed = parts.map((part): Step => ({
    do: 'remove',
    path: posix.join(from.spec.path, part),
    because: `the packages of the conda prefix ${from.spec.path} are laid anew`,
  }));
  return [...removed, ...plan(to.spec, to.lock, to.made)];
}

export function plan(spec: CondaSpec, lock: CondaLock, made: Readonly<Record<string, ContentRef>>): readonly Step[] {
  const { tree } = made;
  if (tree === undefined) return [];
  const pip = lock.pip ?? [];
  const because = `conda prefix with ${lock.packages.length} packages${pip.length === 0 ? '' : ` and ${pip.length} of pip`}`;
  return [{ do: 'unpack', archive: tree, into: spec.path, because }];
}

/** As `conda activate` sets them, less what is only for conda's own shell functions. */
export function activate({ path }: CondaSpec, lock?: CondaLock): readonly EnvironmentChange[] {
  const name = posix.basename(posix.dirname(path)) === 'envs' ? posix.basename(path) : path;
  return [
    { do: 'prepend', name: 'PATH', value: posix.join(path, 'bin') },
    { do: 'set', name: 'CONDA_PREFIX', value: path },
    { do: 'set', name: 'CONDA_DEFAULT_ENV', value: name },
    ...Object.entries(lock?.variables ?? {}).map(([variable, value]): EnvironmentChange => ({
      do: 'set',
      name: variable,
      value,
    })),
  ];
}

function named(word: string): string {
  const name = nameOf(word);
  if (name !== undefined && !/^[a-z]+:(?!:)/.test(word) && !/[\n\r\0]/.test(word)) return name;
  throw new UserError(`conda: "${word}" names no package`, {
    status: 2,
    hint: 'as conda takes them: numpy, "numpy>=1.26"',
  });
}
