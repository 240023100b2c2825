import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';
import { serve, type Served } from './serve.ts';

/** A package to be published: its package.json, and its other files. */
export interface Published {
  readonly manifest: Readonly<Record<string, unknown>> & { readonly name: string; readonly version: string };
  readonly files?: Readonly<Record<string, string>>;
}

/** A registry on the loopback that npm, yarn and pnpm install from: tarballs, and a packument for each name. */
export async function npmRegistry(folder: string, packages: readonly Published[]): Promise<Served> {
  const served = await serve(folder, (request, response) => {
    const name = decodeURIComponent((request.url ?? '').split('?')[0] ?? '').slice(1);
    const versions = packages.filter(({ manifest }) => manifest.name === name);
    if (versions.length === 0) return false;
    const answer = {
      name,
      'dist-tags': { latest: versions.at(-1)?.manifest.version },
      versions: Object.fromEntries(
        versions.map(({ manifest }) => [manifest.version, { ...manifest, dist: dists.get(pathOf(manifest)) }]),
      ),
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    return true;
  });
  const dists = new Map<string, Readonly<Record<string, string>>>();
  for (const one of packages) {
    const path = pathOf(one.manifest);
    const bytes = await pack(folder, path, one);
    dists.set(path, {
      tarball: `${served.url}/${path}`,
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
      shasum: createHash('sha1').update(bytes).digest('hex'),
    });
  }
  return served;
}

async function pack(folder: string, path: string, { manifest, files = {} }: Published): Promise<Buffer> {
  const work = join(folder, 'work');
  const all = { 'package.json': `${JSON.stringify(manifest, undefined, 2)}\n`, ...files };
  for (const [name, content] of Object.entries(all)) {
    const file = join(work, 'package', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  const tarball = join(folder, path);
  mkdirSync(dirname(tarball), { recursive: true });
  await runProcess(['tar', '--create', '--gzip', '--sort=name', `--file=${tarball}`, `--directory=${work}`, 'package']);
  rmSync(work, { recursive: true });
  return readFileSync(tarball);
}

function pathOf({ name, version }: Published['manifest']): string {
  return `${name}/-/${name.replace(/^@[^/]*\//, '')}-${version}.tgz`;
}
