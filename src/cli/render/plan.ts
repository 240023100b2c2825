import { displayArgv } from '../../sessions/process.ts';
import type { Plan, Step } from '../../model/index.ts';
import { count, plural } from './numbers.ts';
import { printable } from './table.ts';

/** So many steps of one kind and reason in a row are shown each; of more, the first ones. */
const shown = 5;

/** A plan for people: what is laid, then each step with its reason. `all`: every one of them. */
export function planLines(plan: Plan, all: boolean): string[] {
  const { summary, because } = plan.bootstrap;
  return [
    `lay       ${summary}${because === undefined ? '' : `    ${because}`}`,
    ...alike(plan.steps).flatMap((steps) => {
      const few = all || steps.length <= shown ? steps : steps.slice(0, shown - 2);
      const lines = few.map((step) => `${step.do.padEnd(9)} ${printable(what(step))}    ${printable(step.because)}`);
      return few === steps ? lines : [...lines, `          … and ${count(steps.length - few.length)} more: --all`];
    }),
    `${plural(plan.steps.length + 1, 'step')}; nothing was made.`,
  ];
}

/** Neighbours that do one thing for one reason. */
function alike(steps: readonly Step[]): readonly (readonly Step[])[] {
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last?.[0]?.do === step.do && last[0].because === step.because) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

function what(step: Step): string {
  switch (step.do) {
    case 'run':
      return displayArgv(step.argv);
    case 'unpack':
      return step.into;
    case 'link':
      return `${step.path} → ${step.target}`;
    case 'account':
      return `${step.name} (${step.uid}:${step.gid})`;
    case 'write':
    case 'directory':
    case 'remove':
      return step.path;
  }
}
