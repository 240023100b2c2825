import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Plan } from '../../model/index.ts';
import { writeContext, type Action, type RenderOptions } from './context.ts';
import { comment, sh } from './quote.ts';
import { fillTemplate } from './template.ts';

/** What a script is, where nobody says otherwise. */
const defaultTemplate = {
  file: 'the script',
  text: `#!/bin/sh
# Written by repronim. As root: sh build.sh DIRECTORY makes the environment there, without a network.
set -eu
root=\${1:?usage: sh build.sh DIRECTORY}
case $root in /*) ;; *) root=$PWD/$root ;; esac
CDPATH= cd -- "$(dirname -- "$0")"
[ -d "$root/.singularity.d" ] || mkdir -- "$root"

{{root}}
{{steps}}

# the way in
{{enter}}
`,
};

/**
 * Writes a folder with a script that makes the environment in a new directory (or one that apptainer has begun): it unpacks tars and runs
 * programs. All but the first tar is unpacked from within the new root, which no link in it can lead out of.
 * Placeholders of its template: `root`, `steps`, `enter`, `summary`.
 */
export async function renderScript(plan: Plan, folder: string, options: RenderOptions): Promise<void> {
  const actions = await writeContext(plan, folder, options);
  const text = fillTemplate(options.template ?? defaultTemplate, {
    ...scriptParts(actions, options.environment ?? {}),
    summary: comment(plan.bootstrap.summary),
  });
  await writeFile(join(folder, 'build.sh'), text, { flag: 'wx', mode: 0o755 });
}

function scriptParts(
  [root, ...actions]: readonly Action[],
  environment: Readonly<Record<string, string>>,
): Readonly<Record<'root' | 'steps' | 'enter', string>> {
  const lines: string[] = [];
  // Programs expect /dev/null; where nothing may be mounted, most of them do without.
  if (actions.some((action) => action.do === 'run')) {
    lines.push(`if mount --bind /dev "$root/dev" 2>/dev/null; then trap 'umount "$root/dev"' EXIT; fi`);
  }
  for (const action of actions) {
    lines.push('', `# ${comment(action.because)}`);
    if (action.do === 'run') lines.push(sh`chroot "$root" ${action.argv}`);
    else lines.push(sh`chroot "$root" tar -xpf - --numeric-owner -C / <${action.file}`);
  }
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const enter = ['/usr/bin/env', '-i', ...variables, '/bin/sh'];
  const first =
    root?.do === 'add'
      ? [
          `# ${comment(root.because)}`,
          sh`tar -xpf ${root.file} --numeric-owner --xattrs --xattrs-include=security.capability -C "$root"`,
        ]
      : [];
  return { root: first.join('\n'), steps: lines.join('\n'), enter: sh`printf '%s\n' ${enterLine(enter)}` };
}

function enterLine(argv: readonly string[]): string {
  return sh`chroot DIRECTORY ${argv}`;
}
