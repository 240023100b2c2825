import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Plan } from '../../model/index.ts';
import { writeContext, type Action, type RenderOptions } from './context.ts';
import { comment } from './quote.ts';
import { fillTemplate } from './template.ts';

/** What a Dockerfile is, where nobody says otherwise. */
const defaultTemplate = {
  file: 'the Dockerfile',
  text: `# Written by repronim. In this folder: docker build --network none .
FROM {{base}}
{{steps}}
{{environment}}

CMD ["/bin/sh"]
`,
};

/**
 * Writes a folder that `docker build` makes the environment from, without a network: a Dockerfile with a reason for
 * every instruction, and its content in tars. Programs stand in exec form (JSON): no shell reads them
 * (https://docs.docker.com/reference/dockerfile/). Placeholders of its template: `base`, `steps`, `environment`,
 * `summary`.
 */
export async function renderDockerfile(plan: Plan, folder: string, options: RenderOptions): Promise<void> {
  const actions = await writeContext(plan, folder, options);
  const variables = Object.entries(options.environment ?? {}).flatMap(([name, value]) => variable(name, value));
  const text = fillTemplate(options.template ?? defaultTemplate, {
    base: options.base ?? 'scratch',
    steps: actions.flatMap(instruction).join('\n'),
    environment: variables.length === 0 ? '' : ['', '# what the runs had', ...variables].join('\n'),
    summary: comment(plan.bootstrap.summary),
  });
  await writeFile(join(folder, 'Dockerfile'), text, { flag: 'wx' });
}

function instruction(action: Action): readonly string[] {
  const done = action.do === 'add' ? `ADD ${action.file} /` : `RUN ${JSON.stringify(action.argv)}`;
  return ['', `# ${comment(action.because)}`, done];
}

/** What an instruction can't hold is left out, and said. */
function variable(name: string, value: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || /[\0-\x1f\x7f]/.test(value) || !value.isWellFormed()) {
    return [`# not written: ${comment(name)}`];
  }
  return [`ENV ${name}="${value.replace(/["\\$]/g, String.raw`\$&`)}"`];
}
