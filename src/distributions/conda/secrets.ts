import type { Root } from '../../contract/index.ts';
import { looksSecret } from '../../formats/spec/secrets.ts';
import { pythonSecrets } from '../../toolkits/python/secrets.ts';
import { cutAddresses, type CutOf } from '../../toolkits/trees/cut.ts';
import { cutToken } from './address.ts';
import { parseObject } from './record.ts';

/** Where conda, its like and pip write addresses and variables that may be secrets, by path below a prefix. */
export async function condaSecrets(root: Root, top: string, paths: Iterable<string>): Promise<CutOf> {
  const ofPython = await pythonSecrets(root, top, paths);
  return (path) => {
    if (addressed.test(path)) return cutChannels;
    if (/^conda-meta\/state$|^etc\/conda\/env_vars\.d\/[^/]+\.json$/.test(path)) return cutVariables;
    return ofPython(path);
  };
}

const addressed = /^conda-meta\/(?:[^/]+\.json|history)$|(?:^|\/)(?:\.?condarc|\.mambarc|condarc\.d\/[^/]+)$/;

function cutChannels(text: string): string {
  return cutToken(cutAddresses(text));
}

/** The variables that look like secrets go from `conda-meta/state` and its like; the rest is written anew, then. */
function cutVariables(text: string): string {
  const value = parseObject(Buffer.from(text, 'latin1'));
  if (value === undefined) return text;
  let found = false;
  const cut = JSON.stringify(
    value,
    (name, one: unknown) => {
      if (typeof one !== 'string' || !looksSecret(name, one)) return one;
      found = true;
      return undefined;
    },
    2,
  );
  return found ? Buffer.from(cut).toString('latin1') : text;
}
