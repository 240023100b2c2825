import { byBytes } from '../../model/index.ts';
import type { DefaultBase, Need } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { isOf, readOsRelease } from './read/release-file.ts';
import type { AptSpec } from './spec.ts';

/** What a default base has to be known by. */
interface Naming {
  readonly type: string;
  readonly relatives: readonly string[];
  readonly releases: readonly string[];
  readonly archived: readonly string[];
  readonly stable: string;
}

/** The machine's own release where it is one of these (its sources are at hand then), else the newest stable one. */
export async function asBase(
  { type, relatives, releases, archived, stable }: Naming,
  needs: readonly Need[],
): Promise<DefaultBase<AptSpec>> {
  const root = localRoot();
  const { codename = '' } = await readOsRelease(root);
  const known = releases.includes(codename) || archived.includes(codename);
  const own = known && (await isOf(root, type, relatives));
  const packages = [...new Set(needs.flatMap(({ debian }) => debian))].sort(byBytes);
  return {
    spec: { type, release: own ? codename : stable, ...(packages.length === 0 ? {} : { packages }) },
    own,
  };
}
