import * as v from 'valibot';

import { isSafeAbsolute } from '../model/index.ts';

/**
 * Scalars of a spec. YAML is read without guessing (every scalar is its text), so a schema says what a text means:
 * `release: 24.10` is the text "24.10" for `text`, and `status: 3` the number 3 for `integer`. Values made by a
 * program (numbers, booleans) are taken as they are.
 */

/** A non-empty text of one line. */
export const text = v.pipe(
  v.string('expected a text'),
  v.nonEmpty('must not be empty'),
  // oxlint-disable-next-line no-control-regex
  v.regex(/^[^\0\n\r]*$/, 'must be one line, without NUL'),
);

/** Any text without NUL; may be empty, may have several lines. */
export const anyText = v.pipe(
  v.string('expected a text'),
  v.check((value) => !value.includes('\0'), 'must not contain NUL'),
);

/** A whole number, not negative. */
export const integer = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^[0-9]{1,15}$/), v.transform(Number))], 'expected a whole number'),
  v.safeInteger('expected a whole number'),
  v.minValue(0, 'must not be negative'),
);

/** `true` or `false`. */
export const flag = v.union(
  [
    v.boolean(),
    v.pipe(
      v.picklist(['true', 'false']),
      v.transform((value) => value === 'true'),
    ),
  ],
  'expected true or false',
);

/** 64 lower-case hexadecimal digits. */
export const sha256Text = v.pipe(
  v.string('expected a sha256'),
  v.regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits'),
);

/** `sha256:` and 64 hexadecimal digits. */
export const digestText = v.custom<`sha256:${string}`>(
  (value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value),
  'expected sha256: and 64 hexadecimal digits',
);

/** Permission bits as four octal digits. */
export const modeText = v.pipe(
  v.string('expected a mode'),
  v.regex(/^[0-7]{4}$/, 'expected four octal digits, e.g. "0644"'),
);

/** An absolute, normalised path: no `..`, no NUL. */
export const pathText = v.pipe(
  v.string('expected a path'),
  v.check(isSafeAbsolute, 'expected an absolute path without . or .. in it'),
);

/** A name that is safe as part of a file name and as a key. */
export const idText = v.pipe(
  v.string('expected a name'),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/, 'expected letters, digits, and . _ + - between them'),
);

/** An address for fetching: http or https, no user name or password in it. */
export const urlText = v.pipe(
  v.string('expected an address'),
  v.check((value) => {
    const url = URL.parse(value);
    return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  }, 'expected an http or https address without user name or password'),
);

/** The fields that every distribution has; a plug-in spreads them into its own `looseObject`. */
export const distributionFields = {
  id: v.optional(idText),
  base: v.optional(idText),
} as const;
