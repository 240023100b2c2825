import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';

import { UserError, type Plan } from '../../model/index.ts';
import type { RenderOptions } from './context.ts';
import { comment } from './quote.ts';
import { renderScript } from './script.ts';
import { fillTemplate } from './template.ts';

/** What schroot's configuration is, where nobody says otherwise. */
const defaultTemplate = {
  file: 'the configuration',
  text: `# Written by repronim. As root: sh build.sh {{directory}}, and this file into /etc/schroot/chroot.d/
[{{name}}]
description={{summary}}
type=directory
directory={{directory}}
groups=root
root-groups=root
profile=minimal
`,
};

/**
 * Writes a folder with the script that makes the environment, and a schroot.conf(5) that knows where it is: `root`
 * beside it. Placeholders of its template: `name`, `directory`, `summary`.
 */
export async function renderSchroot(plan: Plan, folder: string, options: RenderOptions): Promise<void> {
  const directory = resolve(folder, 'root');
  if (/[\n\r]/.test(directory)) throw new UserError(`${folder} cannot stand in a configuration file`, { status: 2 });
  const { template, ...others } = options;
  await renderScript(plan, folder, others);
  const text = fillTemplate(template ?? defaultTemplate, {
    name: nameOf(folder),
    directory,
    summary: comment(plan.bootstrap.summary),
  });
  await writeFile(join(folder, 'schroot.conf'), text, { flag: 'wx' });
}

/** schroot.conf(5): letters, digits and a few signs. */
function nameOf(folder: string): string {
  const plain = basename(resolve(folder))
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return plain === '' ? 'environment' : plain;
}
