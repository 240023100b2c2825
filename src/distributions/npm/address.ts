import { cleanRegistry } from './client.ts';
import type { NpmPackage, NpmSpec } from './spec.ts';

/** Where a registry has the tarball of a version by custom, below its own address. */
export function customaryPath({ name, version }: Pick<NpmPackage, 'name' | 'version'>): string {
  return `${name}/-/${name.replace(/^@[^/]*\//, '')}-${version.replace(/\+.*$/, '')}.tgz`;
}

/** An address of a tarball without secrets; undefined for what is none (`git+ssh:`, `file:`, a folder). */
export function cleanAddress(address: string): string | undefined {
  return cleanRegistry(address)?.slice(0, -1);
}

/** The registry that most of these addresses are of: what stands before `NAME/-/`. */
export function commonRegistry(
  packages: readonly { readonly name: string; readonly resolved?: string }[],
): string | undefined {
  const counts = new Map<string, number>();
  for (const { name, resolved } of packages) {
    const at = resolved?.indexOf(`/${name}/-/`) ?? -1;
    const registry = at < 0 ? undefined : cleanRegistry(resolved?.slice(0, at) ?? '');
    if (registry !== undefined) counts.set(registry, (counts.get(registry) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0];
}

/** An address as a row has it: below the registry where it is; absent where it is where custom has it. */
export function toResolved(
  address: string | undefined,
  of: Pick<NpmPackage, 'name' | 'version'>,
  registry: string | undefined,
): string | undefined {
  if (address === undefined) return undefined;
  if (registry === undefined || !address.startsWith(registry)) return address;
  const path = address.slice(registry.length);
  return path === customaryPath(of) ? undefined : path;
}

/** Every address of a tarball, best first: registries are those to be asked. */
export function addressesOf(
  row: Pick<NpmPackage, 'name' | 'version' | 'resolved'>,
  spec: Pick<NpmSpec, 'registry'>,
  registries: readonly (string | undefined)[],
): string[] {
  const { resolved } = row;
  const whole = resolved !== undefined && /^https?:/.test(resolved) ? cleanAddress(resolved) : undefined;
  const path = whole === undefined ? (resolved ?? customaryPath(row)) : customaryPath(row);
  const all = [...registries, spec.registry].filter((one) => one !== undefined);
  const below = all.flatMap((registry) => {
    const url = URL.parse(path, registry);
    return url !== null && url.href.startsWith(registry) ? [url.href] : [];
  });
  return [...new Set(whole === undefined ? below : [whole, ...below])];
}
