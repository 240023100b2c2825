import { byBytes, type PackageId } from '../../model/index.ts';
import type { Observed } from '../../contract/index.ts';
import { normalizeName } from './metadata.ts';
import { parseRequirement } from './requirement.ts';
import type { Site } from './site.ts';
import type { PythonLock, PythonSpec } from './spec.ts';

/** The packages of an entry as diff sees them: those of its lock, else those that it names. */
export function packageIds(spec: PythonSpec, lock?: PythonLock): readonly PackageId[] {
  const wished = (spec.packages ?? []).flatMap((text) => parseRequirement(text) ?? []);
  if (lock === undefined) {
    const found = new Map(
      wished.map(({ name, written, specifier }) => [
        name,
        { key: name, version: specifier.replace(/^===?/, ''), name: written },
      ]),
    );
    return [...found.values()].sort((a, b) => byBytes(a.key, b.key));
  }
  const listed = new Set(wished.map(({ name }) => name));
  return lock.packages
    .map(({ name, version }) => {
      const key = normalizeName(name);
      return { key, version, name, ...(listed.has(key) ? {} : { listed: false }) };
    })
    .sort((a, b) => byBytes(a.key, b.key));
}

/** The packages that are there. */
export function observed(sites: readonly Site[]): Observed {
  const packages = sites.flatMap((site) => site.packages.map(({ key, version, name }) => ({ key, version, name })));
  return { packages: packages.sort((a, b) => byBytes(a.key, b.key)) };
}
