import { distributionId, runId, type Spec } from '../../model/index.ts';
import { near } from '../near.ts';
import { shown } from './fault.ts';
import type { ValuePath } from './tree.ts';

type Report = (path: ValuePath, message: string, hint?: string, key?: boolean) => void;

/** What no schema of one entry can see: that ids are unique, that `base` leads to one, and that locks have theirs. */
export function checkIds(spec: Spec, report: Report): void {
  checkUnique(spec, report);
  checkBases(spec, report);
  checkRuns(spec, report);
}

function checkUnique(spec: Spec, report: Report): void {
  const byType = Map.groupBy(spec.distributions, ({ type }) => type);
  const seen = new Set<string>();
  for (const [index, entry] of spec.distributions.entries()) {
    const id = distributionId(entry);
    const path = ['distributions', index];
    if (entry.id === undefined && (byType.get(entry.type)?.length ?? 0) > 1) {
      report([...path, 'type'], `type ${entry.type} comes more than once: each needs an id`, 'add a line: id: NAME');
    } else if (seen.has(id)) {
      report([...path, entry.id === undefined ? 'type' : 'id'], `id ${shown(id)} comes twice`);
    }
    seen.add(id);
  }
}

function checkBases(spec: Spec, report: Report): void {
  const bases = new Map(spec.distributions.map((entry) => [distributionId(entry), entry.base]));
  for (const [index, entry] of spec.distributions.entries()) {
    if (entry.base === undefined) continue;
    const path = ['distributions', index, 'base'];
    if (!bases.has(entry.base)) {
      const meant = near(entry.base, [...bases.keys()]);
      const guess = meant === undefined ? '' : `did you mean ${meant}? `;
      report(
        path,
        `base ${shown(entry.base)} is no distribution of this file`,
        `${guess}known: ${[...bases.keys()].join(', ')}`,
      );
    } else if (leadsTo(distributionId(entry), bases)) {
      report(path, `${shown(distributionId(entry))} stands on itself by its base`);
    }
  }
}

function leadsTo(id: string, bases: ReadonlyMap<string, string | undefined>): boolean {
  let at = bases.get(id);
  for (let steps = 0; at !== undefined && steps <= bases.size; steps++) {
    if (at === id) return true;
    at = bases.get(at);
  }
  return false;
}

function checkRuns(spec: Spec, report: Report): void {
  const ids = new Set<string>();
  for (const [index, run] of (spec.runs ?? []).entries()) {
    const id = runId(run, index);
    if (ids.has(id))
      report(['runs', index, ...(run.id === undefined ? [] : ['id'])], `id ${shown(id)} of a run comes twice`);
    ids.add(id);
    checkWith(spec, index, report);
  }
  for (const id of Object.keys(spec.lock?.runs ?? {})) {
    if (ids.has(id)) continue;
    const hint = ids.size === 0 ? undefined : `known: ${[...ids].join(', ')}`;
    report(['lock', 'runs', id], `lock of ${shown(id)}, which is no run of this file`, hint, true);
  }
}

/** What is active for a run has to be there. */
function checkWith(spec: Spec, index: number, report: Report): void {
  const known = spec.distributions.map(distributionId);
  for (const [at, id] of (spec.runs?.[index]?.with ?? []).entries()) {
    if (known.includes(id)) continue;
    const meant = near(id, known);
    const guess = meant === undefined ? '' : `did you mean ${meant}? `;
    report(
      ['runs', index, 'with', at],
      `${shown(id)} is no distribution of this file`,
      `${guess}known: ${known.join(', ')}`,
    );
  }
}
