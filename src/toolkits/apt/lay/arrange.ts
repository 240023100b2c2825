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
  /**
   * Configured before the others, as apt does it (numbers of users depend on the order): what dpkg and every script
   * may count on, and what others pre-depend on.
   */
  readonly early: readonly Laid[];
  /** Unpacked by dpkg, then. */
  readonly late: readonly Laid[];
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
  const early = closureOf(ordered.flatMap(preDepends), needs);
  return {
    now,
    preinsts: now.filter((laid) => preinstKind(laid) !== 'none'),
    late,
    early: now.filter((laid) => base.has(laid) || early.has(laid)),
  };
}

/** Writes what configuring needs into the tree: the lists, the packages that dpkg unpacks, and a policy of no daemons. */
export function writeWork(
  root: string,
  { preinsts, late, early }: Omit<Arrangement, 'now'>,
  holds: ReadonlySet<string>,
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
  const held = late.filter(({ deb }) => holds.has(`${deb.name}:${deb.architecture}`));
  writeFileSync(join(folder, 'holds'), lines(held.map((laid) => `${infoName(laid)} hold`)));
  writeFileSync(join(folder, 'hosts'), hosts);
  writeFileSync(join(folder, 'policy-rc.d'), '#!/bin/sh\nexit 101\n');
  chmodSync(join(folder, 'policy-rc.d'), 0o755);
}

/** What netbase makes where there is none; scripts that ask for the host's own name need it. */
const hosts = `\
127.0.0.1\tlocalhost
::1\t\tlocalhost ip6-localhost ip6-loopback
ff02::1\t\tip6-allnodes
ff02::2\t\tip6-allrouters

`;

function closureOf(start: readonly Laid[], needs: (laid: Laid) => readonly Laid[]): ReadonlySet<Laid> {
  const found = new Set<Laid>();
  const visit = (laid: Laid) => {
    if (found.has(laid)) return;
    found.add(laid);
    for (const other of needs(laid)) visit(other);
  };
  for (const laid of start) visit(laid);
  return found;
}
