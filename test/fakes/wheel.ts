import { createHash } from 'node:crypto';

import { makeZip } from './zip.ts';

/** The files of a wheel with their RECORD, and the wheel. */
export interface MadeWheel {
  readonly file: string;
  readonly bytes: Buffer;
  readonly sha256: string;
  /** By their names in it. */
  readonly files: Readonly<Record<string, string>>;
}

/** A pure wheel of these files; metadata is added. */
export function makeWheel(
  name: string,
  version: string,
  files: Readonly<Record<string, string>>,
  requires: readonly string[] = [],
): MadeWheel {
  const info = `${name}-${version}.dist-info`;
  const all: Record<string, string> = {
    ...files,
    [`${info}/METADATA`]: [
      'Metadata-Version: 2.1',
      `Name: ${name}`,
      `Version: ${version}`,
      ...requires.map((one) => `Requires-Dist: ${one}`),
      '',
      'Text',
      '',
    ].join('\n'),
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n\n',
  };
  all[`${info}/RECORD`] = `${Object.entries(all)
    .map(([path, content]) => `${path},${recordHash(content)},${Buffer.byteLength(content)}\n`)
    .join('')}${info}/RECORD,,\n`;
  const bytes = makeZip(all);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { file: `${name}-${version}-py3-none-any.whl`, bytes, sha256, files: all };
}

/** As a RECORD has it. */
export function recordHash(content: string): string {
  return `sha256=${createHash('sha256').update(content).digest('base64url')}`;
}
