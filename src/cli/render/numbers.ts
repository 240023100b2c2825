export { sizeText as size } from '../../model/index.ts';

/** A number with separators: `9,871`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** A number and what it counts: `1 file`, `9,871 files`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Milliseconds as a person reads them: `0.4 s`, `12.3 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 3600) return joined(seconds, 60, 'min', 's');
  return joined(Math.round(seconds / 60), 60, 'h', 'min');
}

function joined(value: number, base: number, upper: string, lower: string): string {
  const rest = value % base;
  return `${count(Math.floor(value / base))} ${upper}${rest === 0 ? '' : ` ${rest} ${lower}`}`;
}
