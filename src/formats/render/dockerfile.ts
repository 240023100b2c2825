import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Plan } from '../../model/index.ts';
import { writeContext, type RenderOptions } from './context.ts';
import { comment } from './quote.ts';

/**
 * Writes a folder that `docker build` makes the environment from, without a network: a Dockerfile with a reason for
 * every instruction, and its content in tars. Programs stand in exec form (JSON): no shell reads them
 * (https://docs.docker.com/reference/dockerfile/).
 */
export async function renderDockerfile(plan: Plan, folder: string, options: RenderOptions): Promise<void> {
  const lines = ['# Written by repronim. In this folder: docker build --network none .', 'FROM scratch'];
  for (const action of await writeContext(plan, folder, options)) {
    lines.push('', `# ${comment(action.because)}`);
    lines.push(action.do === 'add' ? `ADD ${action.file} /` : `RUN ${JSON.stringify(action.argv)}`);
  }
  const variables = Object.entries(options.environment ?? {}).flatMap(([name, value]) => variable(name, value));
  if (variables.length > 0) lines.push('', '# what the runs had', ...variables);
  lines.push('', 'CMD ["/bin/sh"]', '');
  await writeFile(join(folder, 'Dockerfile'), lines.join('\n'), { flag: 'wx' });
}

/** What an instruction can't hold is left out, and said. */
function variable(name: string, value: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || /[\0-\x1f\x7f]/.test(value) || !value.isWellFormed()) {
    return [`# not written: ${comment(name)}`];
  }
  return [`ENV ${name}="${value.replace(/["\\$]/g, String.raw`\$&`)}"`];
}
