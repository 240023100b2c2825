import { displayArgv } from '../../sessions/process.ts';
import type { Plan, Step } from '../../model/index.ts';

/** A plan for people: what is laid, then each step with its reason. */
export function planLines(plan: Plan): string[] {
  return [
    `lay     ${plan.bootstrap.summary}${plan.bootstrap.because === undefined ? '' : `    ${plan.bootstrap.because}`}`,
    ...plan.steps.map((step) => `${step.do.padEnd(9).slice(0, 9)} ${what(step)}    ${step.because}`),
    `${plan.steps.length + 1} steps; nothing was made.`,
  ];
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
