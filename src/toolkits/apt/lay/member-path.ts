import { UserError } from '../../../model/index.ts';

/**
 * The absolute path that a tar member of a package means: `./usr/bin/x` is `/usr/bin/x`, `./` is `/`. A name that is
 * absolute, climbs (`..`) or is not normalised throws: dpkg-deb writes none.
 */
export function memberPath(name: string, what: string): string {
  let bare = name.startsWith('./') ? name.slice(2) : name === '.' ? '' : name;
  if (bare.endsWith('/')) bare = bare.slice(0, -1);
  if (bare === '') return '/';
  if (!/(?:^|\/)(?:\.{0,2})(?:\/|$)/.test(bare) && Buffer.byteLength(bare) < 4000) return `/${bare}`;
  throw new UserError(`${what}: refused: a member is named ${JSON.stringify(name.slice(0, 200))}`);
}
