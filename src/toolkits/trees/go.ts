import { posix } from 'node:path';

import { isSafeAbsolute } from '../../model/index.ts';
import type { Ran, Root } from '../../contract/index.ts';

/**
 * What Go's command needs of its tree though a trace does not show it. It lists the folders of packages, and takes what
 * is in their files from its cache (`cmd/go/internal/modindex`): `unsafe` is never opened at all, and what the cache
 * lacks elsewhere is compiled again. So the whole standard library belongs to a used `bin/go`, less its tests.
 */
export async function neededByGo(top: string, used: ReadonlySet<string>, root: Root): Promise<string[]> {
  if (!used.has(posix.join(top, 'bin/go'))) return [];
  const needed: string[] = [];
  const below = ['src', 'pkg/include', 'lib/time'].map((name) => posix.join(top, name));
  const except = [posix.join(top, 'src/cmd')];
  for await (const { path, type } of root.scan({ below, except, digests: [] })) {
    if (type !== 'directory' && !/(?:_test\.go$|\/testdata\/)/.test(path)) needed.push(path);
  }
  // its settings, and the tools that it asks for their version before it uses its cache
  for (const name of ['go.env', 'VERSION']) needed.push(posix.join(top, name));
  return needed;
}

/**
 * The C compiler that Go's command only looks for: whether one is on the path decides whether cgo is used, which the
 * binary then says (`go version -m`). Absolute; none where it does not look.
 */
export async function soughtByGo(ran: Ran | undefined, root: Root): Promise<readonly string[]> {
  const builds = ran?.programs.some(
    ({ argv: [program = '', verb = ''] }) =>
      posix.basename(program) === 'go' && /^(?:build|install|run|test|vet|list)$/.test(verb),
  );
  if (ran === undefined || builds !== true || ran.env['CGO_ENABLED'] === '0') return [];
  const [compiler = 'gcc'] = (ran.env['CC'] ?? 'gcc').trim().split(/\s+/);
  if (compiler.includes('/')) return isSafeAbsolute(compiler) ? [compiler] : [];
  const folders = (ran.env['PATH'] ?? '').split(':').filter(isSafeAbsolute);
  const paths = folders.map((folder) => posix.join(folder, compiler));
  const stats = await root.lstat(paths);
  return paths.filter((_, index) => stats[index] !== undefined).slice(0, 1);
}
