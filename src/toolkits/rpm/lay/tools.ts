import { tags, type Header } from '../header.ts';
import { filesOf } from '../read/package.ts';

/** A locked package with its .rpm. */
export interface RpmFile {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly header: Header;
}

/**
 * The packages that rpm itself needs to run, and a shell for scripts: what has to be there before rpm can put itself
 * and the others there. Undefined where rpm is not among them.
 */
export function findTools(packages: readonly RpmFile[]): ReadonlySet<RpmFile> | undefined {
  const providers = new Map<string, RpmFile>();
  const offer = (name: string, one: RpmFile) => {
    if (!providers.has(name)) providers.set(name, one);
  };
  for (const one of packages) {
    for (const name of one.header.texts(tags.provides)) offer(name, one);
    for (const { path } of filesOf(one)) offer(merged(path), one);
  }
  const rpm = providers.get('/usr/bin/rpm');
  if (rpm === undefined) return undefined;
  const found = new Set<RpmFile>();
  const open = [rpm, providers.get('/usr/bin/sh'), packages.find(({ name }) => name === 'filesystem')];
  for (let one = open.pop(); open.length > 0 || one !== undefined; one = open.pop()) {
    if (one === undefined || found.has(one)) continue;
    found.add(one);
    for (const name of one.header.texts(tags.requires)) open.push(providers.get(name) ?? providers.get(merged(name)));
  }
  return found;
}

/** A path as it is where /bin and the like are links into /usr. */
function merged(path: string): string {
  return path.replace(/^\/(bin|sbin|lib|lib64)\//, '/usr/$1/');
}
