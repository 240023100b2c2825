import { shortVersion, sitePackagesOf } from '../pip.ts';
import { isBelow } from '../record.ts';

/** The Python of a prefix, as far as packages without an architecture depend on it. */
export interface PrefixPython {
  readonly version: string;
  readonly sitePackages?: string;
}

/** Where a path of an artifact lies in the prefix: packages of pure Python go where that prefix's Python looks. */
export function placeOf(path: string, noarch: string | undefined, python: PrefixPython | undefined): string {
  if (noarch !== 'python') return path;
  if (path.startsWith('site-packages/') && python !== undefined)
    return `${sitePackagesOf(python)}${path.slice('site-packages'.length)}`;
  if (path.startsWith('python-scripts/')) return `bin${path.slice('python-scripts'.length)}`;
  return path;
}

/** A command of a package of pure Python, as a path below the prefix and its script. */
export interface EntryPoint {
  readonly path: string;
  readonly content: Buffer;
}

/** What `NAME = module:function` makes, to the byte as rattler and conda do; undefined where it is not of that form. */
export function entryPoint(text: string, prefix: string, python: PrefixPython): EntryPoint | undefined {
  const [, name, module, call] = /^\s*([^\s=/]+)\s*=\s*([\w.]+)\s*:\s*([\w.]+)\s*$/.exec(text) ?? [];
  if (name === undefined || module === undefined || call === undefined || !isBelow(`bin/${name}`)) return undefined;
  const interpreter = `${prefix}/bin/python${shortVersion(python.version)}`;
  const first =
    interpreter.length + 2 > 127 || interpreter.includes(' ')
      ? `#!/bin/sh\n'''exec' "${interpreter}" "$0" "$@" #'''`
      : `#!${interpreter}`;
  const lines = [
    first,
    '# -*- coding: utf-8 -*-',
    'import re',
    'import sys',
    '',
    `from ${module} import ${call.split('.', 1)[0] ?? call}`,
    '',
    "if __name__ == '__main__':",
    "\tsys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])",
    `\tsys.exit(${call}())`,
    '',
  ];
  return { path: `bin/${name}`, content: Buffer.from(lines.join('\n')) };
}
