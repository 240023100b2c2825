import { ancestors, isSafeAbsolute, UserError, type Step } from '../model/index.ts';
import type { Session, Store } from '../contract/index.ts';
import { lastOfEach, stepMembers, storedTar, type FileStep } from '../formats/step-members.ts';
import { tarEnd } from '../roots/tar-header.ts';

/** Who owns a path that a step made: for roots that can't show owners. */
export type OnOwner = (path: string, uid: number, gid: number) => void;

/** So many paths of less than 4,096 bytes each are surely within what a program may be given. */
const atOnce = 400;

/**
 * Does a plan's steps inside a root. Files, folders and links that follow each other go there as one tar, and what
 * is taken away goes together; whatever the
 * root has at the last part of a path is replaced, never followed.
 */
export async function applySteps(
  steps: readonly Step[],
  session: Session,
  store: Store,
  onOwner: OnOwner,
): Promise<void> {
  let batch: FileStep[] = [];
  let going: string[] = [];
  const flush = async () => {
    if (going.length > 0) await session.run(['rm', '-rf', '--', ...going]);
    going = [];
    if (batch.length > 0) await session.untar(tarOf(batch, session, store, onOwner), '/');
    batch = [];
  };
  for (const step of steps) {
    if ('path' in step && !isSafeAbsolute(step.path))
      throw new UserError(`unsafe path in a step: ${JSON.stringify(step.path)}`);
    switch (step.do) {
      case 'write':
      case 'link':
      case 'directory':
        if (going.length > 0) await flush();
        batch.push(step);
        break;
      case 'unpack':
        await flush();
        await session.untar(storedTar(step.archive.sha256, store), step.into);
        break;
      case 'account':
        await flush();
        await addAccount(step, session);
        break;
      case 'run':
        await flush();
        await session.run(step.argv, step.env === undefined ? {} : { env: step.env });
        break;
      case 'remove':
        if (batch.length > 0 || going.length === atOnce) await flush();
        going.push(step.path);
        break;
    }
  }
  await flush();
}

async function* tarOf(
  steps: readonly FileStep[],
  session: Session,
  store: Store,
  onOwner: OnOwner,
): AsyncGenerator<Uint8Array> {
  const last = lastOfEach(steps);
  const missing = await missingFolders([...last.keys()], session);
  const all: FileStep[] = [...missing.map(folderStep), ...last.values()];
  for (const step of all) {
    const { uid = 0, gid = 0 } = 'uid' in step ? step : {};
    if (step.path !== '/') onOwner(step.path, uid, gid);
  }
  yield* stepMembers(all, store);
  yield tarEnd;
}

/** Folders that a tar would make as it likes: ours are root's, 0755. */
async function missingFolders(paths: readonly string[], session: Session): Promise<string[]> {
  const folders = [...new Set(paths.flatMap(ancestors))].filter((path) => path !== '/' && !paths.includes(path));
  const stats = await session.root.lstat(folders);
  return folders.filter((_, index) => stats[index] === undefined);
}

function folderStep(path: string): FileStep {
  return { do: 'directory', path, mode: '0755', because: 'a folder on the way' };
}

async function addAccount(step: Extract<Step, { do: 'account' }>, session: Session): Promise<void> {
  await addLine('/etc/group', step.gid, `${step.name}:x:${step.gid}:`, session);
  await addLine('/etc/passwd', step.uid, `${step.name}:x:${step.uid}:${step.gid}::${step.home}:/bin/sh`, session);
}

async function addLine(file: string, id: number, line: string, session: Session): Promise<void> {
  if (/[\n\0]/.test(line) || line.split(':').length > 7) throw new UserError(`unsafe account: ${JSON.stringify(line)}`);
  const text = await session.root.readFile(file).then(
    (bytes) => bytes.toString('utf8'),
    () => '',
  );
  const lines = text.split('\n').filter((one) => one !== '');
  if (lines.some((one) => one.split(':')[2] === String(id))) return;
  await session.write(file, `${[...lines, line].join('\n')}\n`, 0o644);
}
