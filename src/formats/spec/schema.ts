import { posix } from 'node:path';

import * as v from 'valibot';

import {
  anyText,
  digestText,
  flag,
  idText,
  integer,
  modeText,
  pathText,
  sha256Text,
  text,
} from '../../contract/schema.ts';
import { isSafeAbsolute } from '../../model/index.ts';

/** What docs/spec.md describes and no plug-in does. The order of keys here is the one in which they are written. */

/** A path of a run: absolute, or relative to its directory and below it. */
export const runPathText = v.pipe(
  v.string('expected a path'),
  v.check(isRunPath, 'expected a path without . or .. in it'),
);

const variableName = v.pipe(v.string(), v.regex(/^[^=\0]+$/, 'expected the name of a variable'));

export const runSchema = v.looseObject({
  id: v.optional(idText),
  command: v.pipe(
    v.array(anyText),
    v.check((words) => (words[0] ?? '') !== '', 'expected a program and its arguments'),
  ),
  directory: v.optional(pathText),
  status: v.optional(v.pipe(integer, v.maxValue(255, 'expected an exit status: 0 to 255'))),
  with: v.optional(v.array(idText)),
  environment: v.optional(v.record(variableName, anyText)),
  inputs: v.optional(v.array(runPathText)),
  outputs: v.optional(v.array(runPathText)),
});

/** What a run has where it does not say it; outside of its digest. */
export const runDefaults: Readonly<Record<string, unknown>> = {
  directory: '/',
  status: 0,
  with: [],
  environment: {},
  inputs: [],
  outputs: [],
};

/** A file beside the spec: relative to its folder, and below it. */
export const besideText = v.pipe(
  v.string('expected a path'),
  v.check(
    (path) => !path.startsWith('/') && isRunPath(path),
    'expected a path below the folder of the spec, without ..',
  ),
);

export const customizeSchema = v.array(
  v.pipe(
    v.looseObject({
      run: v.optional(
        v.pipe(
          v.array(anyText),
          v.check((words) => (words[0] ?? '') !== '', 'expected a program and its arguments'),
        ),
      ),
      file: v.optional(
        v.pipe(
          v.looseObject({
            path: pathText,
            mode: v.optional(modeText),
            content: v.optional(anyText),
            source: v.optional(besideText),
            size: v.optional(integer),
            sha256: v.optional(sha256Text),
          }),
          v.check(
            ({ content, source }) => (content === undefined) !== (source === undefined),
            'expected either content or source',
          ),
        ),
      ),
    }),
    v.check(({ run, file }) => (run === undefined) !== (file === undefined), 'expected either run or file'),
  ),
);

export const environmentSchema = v.record(variableName, anyText);

export const filesSchema = v.array(pathText);

const fileLockSchema = v.pipe(
  v.looseObject({
    path: runPathText,
    mode: v.optional(modeText),
    uid: v.optional(integer),
    gid: v.optional(integer),
    mtime: v.optional(integer),
    size: v.optional(integer),
    sha256: v.optional(sha256Text),
    link: v.optional(v.pipe(anyText, v.nonEmpty('must not be empty'))),
    directory: v.optional(flag),
    left: v.optional(text),
  }),
  v.check((file) => isOneKind(file), 'expected one of sha256 (with size), link, directory or left'),
);

const streamSchema = v.looseObject({ size: integer, sha256: sha256Text });

export const runLockSchema = v.looseObject({
  of: digestText,
  as: v.looseObject({
    uid: integer,
    gid: integer,
    groups: v.optional(v.array(integer)),
    umask: modeText,
    home: pathText,
  }),
  stdin: v.optional(streamSchema),
  stdout: v.optional(streamSchema),
  used: v.optional(v.looseObject({ files: integer, size: integer, sha256: sha256Text })),
  inputs: v.optional(v.array(fileLockSchema)),
  outputs: v.optional(v.array(fileLockSchema)),
  before: v.optional(v.array(fileLockSchema)),
});

export const filesLockSchema = v.array(fileLockSchema);

export const hostSchema = v.looseObject({
  kernel: v.optional(text),
  cpu: v.optional(text),
  virtual: v.optional(v.record(text, text)),
});

/** The keys of the file itself; what they hold is checked piece by piece, each by its own schema. */
export const topSchema = v.looseObject({
  repronim: v.unknown(),
  from: v.optional(v.unknown()),
  runs: v.optional(v.unknown()),
  environment: v.optional(v.unknown()),
  distributions: v.unknown(),
  customize: v.optional(v.unknown()),
  files: v.optional(v.unknown()),
  lock: v.optional(v.unknown()),
});

export const lockSchema = v.looseObject({
  from: v.optional(v.unknown()),
  distributions: v.optional(v.unknown()),
  files: v.optional(v.unknown()),
  runs: v.optional(v.unknown()),
  host: v.optional(v.unknown()),
});

function isRunPath(path: string): boolean {
  if (path.startsWith('/')) return isSafeAbsolute(path);
  return (
    path !== '' &&
    path !== '.' &&
    !path.includes('\0') &&
    Buffer.byteLength(path) < 4096 &&
    posix.normalize(path) === path &&
    !path.endsWith('/') &&
    path !== '..' &&
    !path.startsWith('../')
  );
}

function isOneKind(file: {
  readonly size?: number | undefined;
  readonly sha256?: string | undefined;
  readonly link?: string | undefined;
  readonly directory?: boolean | undefined;
  readonly left?: string | undefined;
}): boolean {
  const kinds = [file.sha256, file.link, file.directory].filter((kind) => kind !== undefined && kind !== false);
  if (kinds.length === 0) return file.left !== undefined;
  return kinds.length === 1 && (file.sha256 === undefined || file.size !== undefined);
}
