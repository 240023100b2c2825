import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Plan } from '../../model/index.ts';
import { writeContext, type RenderOptions } from './context.ts';
import { comment, sh } from './quote.ts';

const head = `#!/bin/sh
# Written by repronim. As root: sh build.sh DIRECTORY makes the environment there, without a network.
set -eu
root=\${1:?usage: sh build.sh DIRECTORY}
case $root in /*) ;; *) root=$PWD/$root ;; esac
CDPATH= cd -- "$(dirname -- "$0")"
mkdir -- "$root"
`;

/**
 * Writes a folder with a script that makes the environment in a directory: it unpacks tars and runs programs. All but
 * the first tar is unpacked from within the new root, which no link in it can lead out of.
 */
export async function renderScript(plan: Plan, folder: string, options: RenderOptions): Promise<void> {
  const [root, ...actions] = await writeContext(plan, folder, options);
  const lines = [head];
  if (root?.do === 'add') {
    lines.push(`# ${comment(root.because)}`);
    lines.push(sh`tar -xpf ${root.file} --numeric-owner --xattrs --xattrs-include=security.capability -C "$root"`);
  }
  // Programs expect /dev/null; where nothing may be mounted, most of them do without.
  if (actions.some((action) => action.do === 'run')) {
    lines.push(`if mount --bind /dev "$root/dev" 2>/dev/null; then trap 'umount "$root/dev"' EXIT; fi`);
  }
  for (const action of actions) {
    lines.push('', `# ${comment(action.because)}`);
    if (action.do === 'run') lines.push(sh`chroot "$root" ${action.argv}`);
    else lines.push(sh`chroot "$root" tar -xpf - --numeric-owner -C / <${action.file}`);
  }
  const variables = Object.entries(options.environment ?? {}).map(([name, value]) => `${name}=${value}`);
  const enter = ['/usr/bin/env', '-i', ...variables, '/bin/sh'];
  lines.push('', '# the way in', sh`printf '%s\n' ${enterLine(enter)}`, '');
  await writeFile(join(folder, 'build.sh'), lines.join('\n'), { flag: 'wx', mode: 0o755 });
}

function enterLine(argv: readonly string[]): string {
  return sh`chroot DIRECTORY ${argv}`;
}
