import type { Finding } from '../../flows/doctor.ts';

/** What works here, as a table; under what does not, what to do. */
export function doctorLines(findings: readonly Finding[]): string[] {
  const row = (a: string, b: string, c: string) => `${a.padEnd(12)} ${b.padEnd(7)} ${c}`.trimEnd();
  const lines = (kind: Finding['kind']) =>
    findings
      .filter((finding) => finding.kind === kind)
      .map(({ what, usable, because, hint }) =>
        row(what, usable ? 'yes' : 'no', hint === undefined ? because : `${because}; ${hint}`),
      );
  return [
    row('backend', 'here?', 'why not, and what to do'),
    ...lines('backend'),
    ...lines('resource'),
    ...lines('tracer'),
  ];
}
