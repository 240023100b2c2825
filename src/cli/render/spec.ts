import { distributionId, runId, type Spec } from '../../model/index.ts';
import type { AnyDistribution } from '../../contract/index.ts';
import { displayArgv } from '../../sessions/process.ts';
import { lacksOf } from '../../flows/lacks.ts';
import { plural, size } from './numbers.ts';
import { noteLines } from './trace.ts';

export interface SpecLinesOptions {
  readonly exact: string;
  readonly all: boolean;
  readonly distributions: readonly AnyDistribution[];
}

/** What stands in a spec, for people: runs, distributions with the packages that matter, loose files. */
export function specLines(spec: Spec, { exact, all, distributions }: SpecLinesOptions): string[] {
  const lines = [`${exact} spec`];
  for (const [index, run] of (spec.runs ?? []).entries()) {
    lines.push(`${runId(run, index)}: ${displayArgv(run.command)}`);
    lines.push(
      `    in ${run.directory ?? '/'}, exit ${run.status ?? 0}, ${plural(run.inputs?.length ?? 0, 'input')}, ${plural(run.outputs?.length ?? 0, 'output')}`,
    );
  }
  for (const entry of spec.distributions) {
    const id = distributionId(entry);
    const plugin = distributions.find(({ type }) => type === entry.type);
    const packages = plugin?.packages(entry, spec.lock?.distributions?.[id]) ?? [];
    const listed = all ? packages : packages.filter((one) => one.listed !== false);
    lines.push(`${id}: ${plugin?.title ?? entry.type}, ${plural(packages.length, 'package')}`);
    const shown = all ? listed : listed.slice(0, 10);
    for (const { key, name, version } of shown) lines.push(`    ${name ?? key} ${version}`);
    if (packages.length > shown.length) lines.push(`    … and ${packages.length - shown.length} more: --all`);
  }
  lines.push(...noteLines(lacksOf(spec, distributions), all));
  if (spec.customize !== undefined) lines.push(`${plural(spec.customize.length, 'step')} of customize`);
  for (const { run, file } of spec.customize ?? []) {
    lines.push(`    ${run === undefined ? `puts ${file?.path}` : `runs ${displayArgv(run)}`}`);
  }
  const files = spec.lock?.files ?? [];
  if (files.length > 0) {
    lines.push(
      `${plural(files.length, 'loose file')}, ${size(files.reduce((sum, file) => sum + (file.size ?? 0), 0))}`,
    );
    const shown = all ? files : files.slice(0, 10);
    for (const { path } of shown) lines.push(`    ${path}`);
    if (files.length > shown.length) lines.push(`    … and ${files.length - shown.length} more: --all`);
  }
  return lines;
}
