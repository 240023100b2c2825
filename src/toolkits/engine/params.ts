import * as v from 'valibot';

import { text } from '../../contract/index.ts';

const units: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, as engines take them: `512m`, `2g`. */
const sizeText = v.pipe(
  v.string('expected a size'),
  v.regex(/^[0-9]{1,12}[kmgt]?b?$/i, 'expected a size such as 512m or 2g'),
  v.transform((value) => {
    const [, digits = '0', unit = ''] = /^([0-9]+)([kmgt]?)/i.exec(value) ?? [];
    return Number(digits) * (units[unit.toLowerCase()] ?? 1);
  }),
);

const portForm = /^(?:(?:([0-9.]+|\[[0-9a-fA-F:]+\]):)?([0-9]{1,5}):)?([0-9]{1,5})(?:\/(tcp|udp|sctp))?$/;

/** A port of the container that is let out: at which address and port of this machine (none: the engine chooses one). */
export interface PublishedPort {
  readonly inside: string;
  readonly address: string;
  readonly port: string;
}

const ports = v.pipe(
  v.string('expected ports'),
  v.transform((value) => value.split(',')),
  v.array(
    v.pipe(
      v.string(),
      v.check(
        (port) => [...(portForm.exec(port)?.slice(2, 4) ?? ['99999'])].every((part) => Number(part ?? 0) < 65_536),
        'expected ports such as 8080:80 or 127.0.0.1:5353:53/udp, with commas between them',
      ),
      v.transform((port): PublishedPort => {
        const [, address = '', outside = '', inside = '', protocol = 'tcp'] = portForm.exec(port) ?? [];
        return { inside: `${inside}/${protocol}`, address: address.replace(/^\[|\]$/g, ''), port: outside };
      }),
    ),
  ),
);

const variables = v.pipe(
  v.string('expected variables'),
  // a comma stands in a value, too: what follows it must look like the next one
  v.transform((value) => value.split(/,(?=[A-Za-z_]\w*=)/)),
  v.array(
    v.pipe(
      v.string(),
      v.regex(/^[A-Za-z_]\w*=[^\0]*$/, 'expected NAME=VALUE, with commas between several'),
      v.maxLength(65_536),
    ),
  ),
);

const labelList = v.pipe(
  v.string('expected labels'),
  v.transform((value) => value.split(/,(?=[A-Za-z0-9][\w./-]*=)/)),
  v.array(
    v.pipe(
      v.string(),
      v.regex(/^[A-Za-z0-9][\w./-]*=[^\0]*$/, 'expected NAME=VALUE, with commas between several'),
      v.regex(/^(?!org\.repronim\.)/, 'labels that begin with org.repronim. are ours'),
      v.maxLength(65_536),
    ),
  ),
);

const shared = {
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
  /** How many processes there may be at once. */
  pids: v.optional(
    v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,8}$/, 'expected a number such as 100'), v.transform(Number)),
  ),
  /** The size of /dev/shm. */
  shm: v.optional(sizeText),
  /** Ports that are let out, where a network is allowed: `8080:80,127.0.0.1:5353:53/udp`. */
  ports: v.optional(ports),
  /** Variables of every program: `NAME=VALUE`, with commas between several. What the spec says wins. */
  env: v.optional(variables),
  /** Labels of the container beside ours: `NAME=VALUE`, with commas between several. */
  labels: v.optional(labelList),
  /** As whom programs run where nothing else is said: `1000`, `1000:1000`, a name. */
  user: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[A-Za-z0-9_][\w.-]*(?::[A-Za-z0-9_][\w.-]*)?$/, 'expected a user such as 1000, 1000:1000 or a name'),
    ),
  ),
  /** Where programs begin where nothing else is said. */
  workdir: v.optional(v.pipe(v.string(), v.regex(/^\/[^\0]*$/, 'expected a path that begins with /'))),
  /** `linux/amd64`: refused by the engine where the image is of another one. */
  platform: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9.]+)?$/, 'expected a platform such as linux/amd64')),
  ),
  /** Graphics processors: `all`, how many, or their names with commas between them. */
  gpus: v.optional(v.pipe(v.string(), v.regex(/^[\w-]+(?:,[\w-]+)*$/, 'expected all, a number, or names'))),
} as const;

/**
 * What `--set` takes for one engine; `network` is the one that it takes itself. Volumes are no parameters: `--mount`
 * says what is let in.
 */
export function engineParams(network: string) {
  return v.strictObject({
    /** `unix:///PATH`, `tcp://HOST:PORT` or `ssh://USER@HOST`. Default: as the engine's own client finds it. */
    host: v.optional(text),
    ...shared,
    /** The engine's network where one is allowed. */
    network: v.optional(
      v.pipe(
        v.string('expected a network'),
        v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'expected bridge, host, or the name of a network of the engine'),
      ),
      network,
    ),
  });
}

export type EngineParams = v.InferOutput<ReturnType<typeof engineParams>>;
