import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Plan } from '../../model/index.ts';
import type { RenderOptions } from './context.ts';
import { comment, sh } from './quote.ts';
import { renderScript } from './script.ts';
import { fillTemplate } from './template.ts';

/** What a definition file is, where nobody says otherwise. */
const defaultTemplate = {
  file: 'the definition file',
  text: `# Written by repronim. In this folder: apptainer build environment.sif apptainer.def
Bootstrap: scratch

%setup
    sh build.sh "$APPTAINER_ROOTFS"

%environment
    {{environment}}

%runscript
    exec /bin/sh "$@"

%labels
    org.repronim.summary {{summary}}
`,
};

/**
 * Writes a folder that `apptainer build` makes the environment from, as root or with --fakeroot, without a network: a
 * definition file, and the script that fills its root (https://apptainer.org/docs/user/latest/definition_files.html).
 * No word of a program stands in the definition file, where a line that begins with % would be a section. Placeholders
 * of its template: `environment`, `summary`.
 */
export async function renderApptainer(plan: Plan, folder: string, options: RenderOptions): Promise<void> {
  const { template, ...others } = options;
  await renderScript(plan, folder, others);
  const variables = Object.entries(options.environment ?? {}).map(([name, value]) => variable(name, value));
  const text = fillTemplate(template ?? defaultTemplate, {
    environment: variables.length === 0 ? ':' : variables.join('\n    '),
    summary: comment(plan.bootstrap.summary),
  });
  await writeFile(join(folder, 'apptainer.def'), text, { flag: 'wx' });
}

/** What one line can't hold is left out, and said. */
function variable(name: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || /[\0\n\r]/.test(value) || !value.isWellFormed()) {
    return `# not written: ${comment(name)}`;
  }
  return `export ${name}=${sh`${value}`}`;
}
