import { byBytes } from '../../model/index.ts';
import type { Context, DefaultBase, Need, Root } from '../../contract/index.ts';
import { isRedhat, readOsRelease } from './read/release.ts';
import { configuredSources } from './solve/sources.ts';
import { vendorOf, type RpmSpec } from './spec.ts';

/**
 * The machine's own release where it is of this family: its repositories are at hand then. Elsewhere what the settings
 * say (`release`, `vendor` and `sources` of `[redhat]`); undefined where they don't, for there is no release of all
 * vendors, nor an archive of all.
 */
export async function asBase(
  type: string,
  needs: readonly Need[],
  { settings }: Pick<Context, 'settings'>,
  machine: Root,
): Promise<DefaultBase<RpmSpec> | undefined> {
  const packages = [...new Set(needs.flatMap(({ redhat }) => redhat))].sort(byBytes);
  const asked = packages.length === 0 ? {} : { packages };
  const { id, version } = await readOsRelease(machine);
  if (id !== undefined && version !== undefined && (await isRedhat(machine))) {
    return { spec: { type, ...vendorOf(id, type), release: version, ...asked }, own: true };
  }
  const { release, vendor } = settings(type);
  if (typeof release !== 'string') return undefined;
  const spec: RpmSpec = { type, ...(typeof vendor === 'string' ? vendorOf(vendor, type) : {}), release, ...asked };
  return configuredSources(spec, { settings }).length === 0 ? undefined : { spec, own: false };
}
