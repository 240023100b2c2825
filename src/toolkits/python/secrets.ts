import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';
import { cutAddresses, cutContent, type CutOf } from '../trees/cut.ts';

const largest = 64 * 1024;
const direct = /\.dist-info\/direct_url\.json$/;

/**
 * Where installers of Python packages write addresses that may have a password in them: direct_url.json, pip.conf. The
 * RECORD beside a direct_url.json that is cut says nothing of it any more.
 */
export async function pythonSecrets(root: Root, top: string, paths: Iterable<string>): Promise<CutOf> {
  const lists = new Set<string>();
  for (const path of paths) {
    if (!direct.test(path)) continue;
    const content = await root.readFile(posix.join(top, path), largest).catch(() => undefined);
    if (content !== undefined && cutContent(content, cutAddresses) !== undefined)
      lists.add(`${posix.dirname(path)}/RECORD`);
  }
  return (path) => {
    if (direct.test(path) || /(?:^|\/)pip\.conf$/.test(path)) return cutAddresses;
    return lists.has(path) ? forgetDirectUrl : undefined;
  };
}

function forgetDirectUrl(record: string): string {
  return record.replace(/^(.*\.dist-info\/direct_url\.json"?),[^,\r\n]*,\d*(?=\r?$)/gm, '$1,,');
}
