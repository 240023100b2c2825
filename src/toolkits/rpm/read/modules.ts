import { byBytes } from '../../../model/index.ts';
import type { Root } from '../../../contract/index.ts';
import { listFolder, readFolder, toText } from '../../apt/read/reader.ts';
import { parseIni } from './repositories.ts';

/** The streams of modules that are switched on, `nodejs:18`: files of dnf's in /etc/dnf/modules.d. */
export async function readModules(root: Root): Promise<string[]> {
  const folder = '/etc/dnf/modules.d';
  const names = (await listFolder(root, folder)).filter((name) => name.endsWith('.module'));
  const found: string[] = [];
  for (const read of await readFolder(root, folder, names)) {
    if (!('content' in read)) continue;
    for (const [name, section] of parseIni(toText(read.content))) {
      const stream = section.get('stream') ?? '';
      const isOn = section.get('state') === 'enabled' || section.get('enabled') === '1';
      if (isOn && [name, stream].every((word) => /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/.test(word))) {
        found.push(`${name}:${stream}`);
      }
    }
  }
  return found.sort(byBytes);
}
