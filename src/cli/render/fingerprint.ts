import { volatilePaths, type Fingerprint, type VolatilePath } from '../../model/index.ts';
import { plural } from './numbers.ts';
import { tableLines } from './table.ts';

/** What a fingerprint is of, for `-v`: how much it counts, and each path that it leaves out with the reason. */
export function fingerprintLines({ entries, owners }: Fingerprint, own: readonly VolatilePath[]): readonly string[] {
  const whose = owners === 'manifest' ? ', owners from the manifest' : '';
  return [
    `over ${plural(entries, 'path')}${whose}; left out:`,
    ...tableLines([...volatilePaths, ...own].map(({ pattern, because }) => [`  ${pattern}`, because])),
  ];
}
