import { localRoot } from '../../../roots/local.ts';
import { readText, listFolder } from '../read/reader.ts';
import { parseRelease } from '../read/release.ts';
import { listName, readSources } from '../read/sources.ts';

/** A repository that this machine's own apt uses; what its Release file says, where apt has fetched it. */
export interface Mirror {
  readonly uri: string;
  readonly origin?: string;
  readonly label?: string;
  readonly codename?: string;
}

const lists = '/var/lib/apt/lists';

/** The repositories of this machine, in apt's order. None where apt is not used here. */
export async function readMirrors(): Promise<readonly Mirror[]> {
  await using root = localRoot('/');
  const names = new Set(await listFolder(root, lists));
  const mirrors: Mirror[] = [];
  for (const { uri, listed, suite } of await readSources(root)) {
    if (!/^https?:/.test(uri)) continue;
    const base = suite.endsWith('/') ? `${listed}/${suite.replace(/\/+$/, '')}` : `${listed}/dists/${suite}`;
    const name = [`${listName(base)}_InRelease`, `${listName(base)}_Release`].find((one) => names.has(one));
    const text = name === undefined ? undefined : await readText(root, `${lists}/${name}`);
    const { origin, label, codename } = text === undefined ? {} : parseRelease(Buffer.from(text));
    mirrors.push({
      uri,
      ...(origin === undefined ? {} : { origin }),
      ...(label === undefined ? {} : { label }),
      ...(codename === undefined ? {} : { codename }),
    });
  }
  return mirrors;
}
