import { posix } from 'node:path';

import { isWithin } from '../../model/index.ts';

const kernel: Readonly<Record<string, string>> = {
  '/proc': 'the kernel’s view of processes',
  '/sys': 'the kernel’s view of devices',
  '/dev': 'devices',
  '/run': 'state of what is running',
  '/var/run': 'state of what is running',
};

/** Every machine has its own, and every place where an environment is made writes its own. */
const machine: ReadonlySet<string> = new Set([
  '/etc/hostname',
  '/etc/hosts',
  '/etc/machine-id',
  '/etc/mtab',
  '/etc/resolv.conf',
  '/var/lib/dbus/machine-id',
]);

/** Why a path is no part of any environment; undefined where it may be one. */
export function becauseIgnored(path: string): string | undefined {
  for (const [folder, because] of Object.entries(kernel)) if (isWithin(path, folder)) return because;
  return machine.has(path) ? 'this machine’s own' : undefined;
}

/** What comes with any system or with its packages: a folder there is not worth a word. */
const system = ['/bin', '/boot', '/etc', '/lib', '/lib32', '/lib64', '/libx32', '/sbin', '/usr', '/var'];

export function isSystemFolder(folder: string): boolean {
  if (posix.dirname(folder) === '/' || /^\/usr\/local(?:\/[^/]+)?$/.test(folder)) return true;
  return system.some((top) => isWithin(folder, top)) && !isWithin(folder, '/usr/local');
}

/** The source of a compiled file of Python's cache (PEP 3147); undefined for any other path. */
export function sourceOfCompiled(path: string): string | undefined {
  const [, folder, module] =
    /^(.*)\/__pycache__\/([^/]+?)\.(?:cpython|pypy)[^/.]*(?:\.opt-\d)?\.pyc(?:\.\d+)?$/.exec(path) ?? [];
  return folder === undefined || module === undefined ? undefined : `${folder}/${module}.py`;
}
