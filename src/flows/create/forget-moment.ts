import type { Session } from '../../contract/index.ts';

/** What tells when and how a tree was laid, and nothing of what came of it: it would make two builds differ. */
const remains = ['/var/cache/ldconfig/aux-cache'] as const;
const logs = '/var/log';

/** Empties the logs of the laying, and takes away caches that hold the moment; owners and modes stay. */
export async function forgetMoment(session: Session, signal: AbortSignal): Promise<void> {
  const written: string[] = [];
  const [folder] = await session.root.lstat([logs]);
  if (folder?.type === 'directory') {
    for await (const { path, type, size = 0 } of session.root.scan({ below: [logs], digests: [], signal })) {
      if (type === 'file' && size > 0) written.push(path);
    }
  }
  const found = await session.root.lstat(remains);
  const left = remains.filter((_, index) => found[index] !== undefined);
  // a tree without coreutils keeps its logs: they are in no fingerprint
  if (written.length > 0) await session.run(['tee', '--', ...written.slice(0, 1000)], { input: '', accept: 'any' });
  if (left.length > 0) await session.run(['rm', '-f', '--', ...left], { accept: 'any' });
}
