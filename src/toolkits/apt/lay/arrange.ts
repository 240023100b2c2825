import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { workFolder } from './bytecode.ts';
import { infoName } from './database.ts';
import type { Laid } from './merge.ts';
import { dependencies, inOrder } from './order.ts';
import { baseSet, preinstKind } from './preinst.ts';

/** In which way each package gets into the tree; all lists in the order in which it is done. */
export interface Arrangement {
  /** Unpacked by us. */
  readonly now: readonly Laid[];
  /** Of these, the ones whose preinst is run before dpkg configures anything. */
  readonly preinsts: readonly Laid[];
  /** Unpacked by dpkg, and what has to be configured before. */
  readonly late: readonly Laid[];
  readonly early: readonly Laid[];
}

/** Decides it from the packages' preinsts and dependencies. */
export function arrange(packages: readonly Laid[]): Arrangement {
  const needs = dependencies(packages, ['depends', 'pre-depends']);
  const ordered = inOrder(packages, needs);
  const base = baseSet(ordered, needs);
  const late = ordered.filter((laid) => !base.has(laid) && preinstKind(laid) === 'before');
  const isLate = new Set(late);
  const now = ordered.filter((laid) => !isLate.has(laid));
  const preDepends = dependencies(packages, ['pre-depends']);
  const early = baseClosure(late.flatMap(preDepends), needs);
  return {
    now,
    preinsts: now.filter((laid) => preinstKind(laid) !== 'none'),
    late,
    early: now.filter((laid) => early.has(laid) || (late.length > 0 && base.has(laid))),
  };
}

/** Writes what configuring needs into the tree: the lists, the packages that dpkg unpacks, and a policy of no daemons. */
export function writeWork(
  root: string,
  now: readonly Laid[],
  { preinsts, late, early }: Omit<Arrangement, 'now'>,
): void {
  const folder = join(root, workFolder);
  mkdirSync(folder, { mode: 0o755 });
  const lines = (list: readonly string[]) => list.map((line) => `${line}\n`).join('');
  writeFileSync(
    join(folder, 'preinsts'),
    lines(preinsts.map((laid) => `${laid.deb.name} ${laid.deb.architecture} ${infoName(laid)}.preinst`)),
  );
  writeFileSync(join(folder, 'early'), lines(early.map(infoName)));
  writeFileSync(join(folder, 'late'), lines(late.map((_, index) => `${workFolder}/${index}.deb`)));
  late.forEach(({ deb }, index) => copyFileSync(deb.file, join(folder, `${index}.deb`)));
  const native = now.find(({ deb }) => deb.name === 'dpkg')?.deb.architecture;
  if (native !== undefined) writeFileSync(join(folder, 'architecture'), `${native}\n`);
  const policy = join(root, 'usr/sbin/policy-rc.d');
  mkdirSync(join(policy, '..'), { recursive: true, mode: 0o755 });
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { flag: 'wx' });
  chmodSync(policy, 0o755);
}

function baseClosure(start: readonly Laid[], needs: (laid: Laid) => readonly Laid[]): ReadonlySet<Laid> {
  const found = new Set<Laid>();
  const visit = (laid: Laid) => {
    if (found.has(laid)) return;
    found.add(laid);
    for (const other of needs(laid)) visit(other);
  };
  for (const laid of start) visit(laid);
  return found;
}
