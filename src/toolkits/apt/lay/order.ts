import { byBytes } from '../../../model/index.ts';
import { parseRelations } from '../relations.ts';
import type { Laid } from './merge.ts';

/** Packages that a package's dependency fields can be satisfied by, among those that are there. */
export type Dependencies = (laid: Laid) => readonly Laid[];

/** Depends and Pre-Depends (or only the latter) of each package, resolved among `packages`; Provides included. */
export function dependencies(packages: readonly Laid[], fields: readonly ('depends' | 'pre-depends')[]): Dependencies {
  const providers = new Map<string, Laid[]>();
  const provide = (name: string, laid: Laid) => providers.set(name, [...(providers.get(name) ?? []), laid]);
  for (const laid of packages) {
    provide(laid.deb.name, laid);
    for (const { name } of parseRelations(laid.fields.get('provides') ?? '').flat()) provide(name, laid);
  }
  const known = new Map<Laid, readonly Laid[]>();
  return (laid) => {
    const before = known.get(laid);
    if (before !== undefined) return before;
    const found = new Set<Laid>();
    for (const field of fields) {
      for (const group of parseRelations(laid.fields.get(field) ?? '')) {
        for (const { name } of group) for (const provider of providers.get(name) ?? []) found.add(provider);
      }
    }
    found.delete(laid);
    const list = [...found];
    known.set(laid, list);
    return list;
  };
}

/**
 * Packages, each after what it depends on where that is possible (cycles are broken anywhere), essential ones first;
 * the same list for the same packages, whatever order they come in.
 */
export function inOrder(packages: readonly Laid[], dependenciesOf: Dependencies): readonly Laid[] {
  const ordered = new Set<Laid>();
  const seen = new Set<Laid>();
  const visit = (laid: Laid) => {
    if (seen.has(laid)) return;
    seen.add(laid);
    for (const other of [...dependenciesOf(laid)].sort(byName)) visit(other);
    ordered.add(laid);
  };
  const sorted = [...packages].sort(byName);
  for (const name of ['base-passwd', 'base-files']) for (const laid of sorted) if (laid.deb.name === name) visit(laid);
  for (const laid of sorted) if (laid.fields.get('essential') === 'yes') visit(laid);
  for (const laid of sorted) visit(laid);
  return [...ordered];
}

function byName(a: Laid, b: Laid): number {
  return byBytes(a.deb.name, b.deb.name) || byBytes(a.deb.architecture, b.deb.architecture);
}
