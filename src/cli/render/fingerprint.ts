import type { Elsewhere } from '../../flows/fingerprint/elsewhere.ts';
import { volatilePaths, type Fingerprint, type VolatilePath } from '../../model/index.ts';
import { plural } from './numbers.ts';
import { tableLines } from './table.ts';

/** What is mounted and not looked into: the first few, or (`all`) each with its kind. */
export function elsewhereLine(elsewhere: readonly Elsewhere[], all: boolean): string {
  const shown = all ? elsewhere : elsewhere.slice(0, 4);
  const names = shown.map(({ path, type }) => (all ? `${path} (${type})` : path)).join(', ');
  const more = elsewhere.length - shown.length;
  return `without what is mounted from elsewhere: ${names}${more > 0 ? `, … and ${more} more: -v` : ''}`;
}

/** What a fingerprint is of, for `-v`: how much it counts, and each path that it leaves out with the reason. */
export function fingerprintLines({ entries, owners }: Fingerprint, own: readonly VolatilePath[]): readonly string[] {
  const whose = owners === 'manifest' ? ', owners from the manifest' : '';
  return [
    `over ${plural(entries, 'path')}${whose}; left out:`,
    ...tableLines([...volatilePaths, ...own].map(({ pattern, because }) => [`  ${pattern}`, because])),
  ];
}
