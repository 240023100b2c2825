/** Whole numbers below a limit, the same for the same seed (mulberry32). */
export type Draw = (below: number) => number;

export function drawing(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const bytes = [0x00, 0x01, 0x09, 0x0a, 0x20, 0x22, 0x2e, 0x2f, 0x3a, 0x5c, 0x7b, 0x7f, 0x80, 0xc3, 0xff];
const words = [
  '../',
  '/../../../../etc/passwd',
  '..',
  '/',
  '//',
  '\0',
  '\n\n',
  '\r\n',
  '__proto__',
  'constructor',
  '-1',
  '0',
  '99999999999999999999999999',
  '1e999',
  'NaN',
  '%s%n',
  '${x}',
  '$(id)',
  '--option',
  '[[[[[[[[',
  '{"a":{"a":{"a":',
  '&a *a',
  '<!DOCTYPE',
  '\u{fffd}',
  '\udc80',
  'A'.repeat(5000),
  '/a'.repeat(3000),
  '['.repeat(5000),
];

/** A few changes of one input: bits, bytes, numbers of any width at their ends, cuts, doubles, pieces of others. */
export function mutate(input: Buffer, others: readonly Buffer[], draw: Draw): Buffer {
  let changed: Buffer = Buffer.from(input);
  for (let left = 1 + draw(4); left > 0; left -= 1) changed = change(changed, others, draw);
  return changed;
}

function change(input: Buffer, others: readonly Buffer[], draw: Draw): Buffer {
  const at = draw(input.length + 1);
  const end = Math.min(input.length, at + 1 + draw(Math.max(1, input.length >> draw(8))));
  const join = (...parts: readonly Uint8Array[]) => Buffer.concat(parts);
  switch (draw(10)) {
    case 0:
      if (at < input.length) input[at] = (input[at] ?? 0) ^ (1 << draw(8));
      return input;
    case 1:
      if (at < input.length) input[at] = bytes[draw(bytes.length)] ?? 0;
      return input;
    case 2:
      return input.subarray(0, at);
    case 3:
      return join(input.subarray(0, at), input.subarray(end));
    case 4:
      return join(input.subarray(0, end), input.subarray(at, end), input.subarray(end));
    case 5: {
      const other = others[draw(others.length)] ?? input;
      const from = draw(other.length + 1);
      return join(input.subarray(0, at), other.subarray(from, from + draw(4096)), input.subarray(end));
    }
    case 6:
      return extreme(input, at, draw);
    case 7:
      return join(input.subarray(0, at), Buffer.from(words[draw(words.length)] ?? ''), input.subarray(at));
    case 8:
      return digits(input, at, draw);
    default:
      return join(input.subarray(0, at), Buffer.from(words[draw(words.length)] ?? ''), input.subarray(end));
  }
}

/** A length, count or offset as formats have them, at its ends. */
function extreme(input: Buffer, at: number, draw: Draw): Buffer {
  const width = [1, 2, 4, 8][draw(4)] ?? 4;
  const place = draw(2) === 0 ? at - (at % width) : at;
  if (place + width > input.length) return input;
  const value =
    [0n, 1n, 2n ** BigInt(width * 8) - 1n, 2n ** BigInt(width * 8 - 1), BigInt(input.length)][draw(5)] ?? 0n;
  const hex = BigInt.asUintN(width * 8, value)
    .toString(16)
    .padStart(width * 2, '0');
  const number = Buffer.from(hex, 'hex');
  if (draw(2) === 0) number.reverse();
  number.copy(input, place);
  return input;
}

/** The next number that is written in digits becomes another. */
function digits(input: Buffer, at: number, draw: Draw): Buffer {
  const text = input.toString('latin1');
  const found = /[0-9]+/.exec(text.slice(at));
  if (found === null) return input;
  const start = at + found.index;
  const value =
    ['0', '-1', '4294967296', '18446744073709551616', '00000000000', '77777777777', '1e400'][draw(7)] ?? '0';
  const same = draw(2) === 0 ? value.slice(0, found[0].length).padStart(found[0].length, '0') : value;
  return Buffer.from(text.slice(0, start) + same + text.slice(start + found[0].length), 'latin1');
}
