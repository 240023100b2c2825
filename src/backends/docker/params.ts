import * as v from 'valibot';

import { text } from '../../contract/index.ts';

const units: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, as docker takes them: `512m`, `2g`. */
const sizeText = v.pipe(
  v.string('expected a size'),
  v.regex(/^[0-9]{1,12}[kmgt]?b?$/i, 'expected a size such as 512m or 2g'),
  v.transform((value) => {
    const [, digits = '0', unit = ''] = /^([0-9]+)([kmgt]?)/i.exec(value) ?? [];
    return Number(digits) * (units[unit.toLowerCase()] ?? 1);
  }),
);

/** What `--set` takes for docker. */
export const dockerParams = v.strictObject({
  /** The daemon: `unix:///PATH` or `tcp://HOST:PORT`. Default: as docker finds it. */
  host: v.optional(text),
  /** The image's name. Default: `repronim`. The tag is the digest of the lock. */
  image: v.optional(
    v.pipe(
      v.string('expected a name'),
      v.regex(
        /^[a-z0-9]+(?:[._/-][a-z0-9]+)*$/,
        'expected a name of an image, without tag: lower-case letters, digits, . _ - /',
      ),
      v.maxLength(200),
    ),
    'repronim',
  ),
  memory: v.optional(sizeText),
  /** How many processors: `1.5`. */
  cpus: v.optional(
    v.pipe(v.string(), v.regex(/^[0-9]{1,4}(?:\.[0-9]{1,3})?$/, 'expected a number such as 1.5'), v.transform(Number)),
  ),
  /** The size of /dev/shm. */
  shm: v.optional(sizeText),
  /** The engine's network where one is allowed. Default: `bridge`. */
  network: v.optional(
    v.pipe(
      v.string('expected a network'),
      v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'expected bridge, host, or the name of a network of the engine'),
    ),
    'bridge',
  ),
});

export type DockerParams = v.InferOutput<typeof dockerParams>;
