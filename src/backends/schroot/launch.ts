import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { BackendContext, Confinement, ImageRecord, Instance, Rootfs } from '../../contract/index.ts';
import { UserError } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import { requireInterpreter } from '../../sessions/confined.ts';
import { schrootPrograms } from '../../sessions/schroot.ts';
import { sessionName, type Facts } from './facts.ts';
import { instanceOf, removeAll } from './instance.ts';
import type { SchrootParams } from './params.ts';
import { begin } from './session.ts';

/** Begins a session of a chroot that is the rootfs, and sees whether it can be entered. */
export async function launch(
  image: ImageRecord,
  rootfs: Rootfs,
  name: string,
  confinement: Confinement,
  params: SchrootParams,
  context: BackendContext,
): Promise<Instance> {
  requireInterpreter();
  refuse(name, confinement, params);
  const facts = await factsOf(image, rootfs, name, params, context);
  await context.record(facts);
  const { signal, state } = context;
  try {
    const begun = await begin(facts, confinement, context);
    const instance = instanceOf(name, confinement, begun, context);
    await using session = await instance.session();
    if (facts.enter === 'schroot') await mustHavePrograms(name, session.root);
    return instance;
  } catch (error) {
    await removeAll(facts, state, signal);
    throw error;
  }
}

/** What can't be confined is said before anything is made. */
function refuse(name: string, { level, mounts }: Confinement, params: SchrootParams): void {
  const missing = mounts.find(({ source }) => !existsSync(source));
  if (missing !== undefined) {
    throw new UserError(`there is no ${missing.source} to mount at ${missing.path}`, { status: 2 });
  }
  if (params.profile !== undefined && !existsSync(join('/etc/schroot', params.profile))) {
    throw new UserError(`schroot has no profile ${params.profile}`, { status: 2, hint: 'ls /etc/schroot shows them' });
  }
  if (level === 'trusted') return;
  const because =
    params.enter === 'schroot'
      ? 'what schroot runs can do what root of this machine can: leave out --set enter=schroot'
      : params.profile === undefined
        ? undefined
        : `schroot follows links of the tree as root when it copies: leave out --set profile=${params.profile}`;
  if (because === undefined) return;
  throw new UserError(`cannot confine ${name}: ${because}`, { status: 4, hint: '--trust creates it all the same' });
}

async function factsOf(
  image: ImageRecord,
  rootfs: Rootfs,
  name: string,
  { type, enter, profile }: SchrootParams,
  context: BackendContext,
): Promise<Facts> {
  const file = image.facts?.['file'];
  return {
    session: sessionName(name, context.state),
    rootfs: rootfs.directory,
    type,
    enter,
    ...(profile === undefined ? {} : { profile }),
    ...(type === 'file' && typeof file === 'string' ? { file, capable: await capableIn(rootfs.directory) } : {}),
  };
}

async function capableIn(directory: string): Promise<string[]> {
  const capable: string[] = [];
  for await (const { path, capability } of localRoot(directory).scan({ digests: [] })) {
    if (capability !== undefined) capable.push(path);
  }
  return capable;
}

async function mustHavePrograms(
  name: string,
  root: { realpath(paths: readonly string[]): Promise<readonly unknown[]> },
): Promise<void> {
  const found = await root.realpath(schrootPrograms);
  const missing = schrootPrograms.filter((_, index) => found[index] === undefined);
  if (missing.length === 0) return;
  throw new UserError(`schroot can't run programs in ${name} as they are asked for: it has no ${missing.join(', ')}`, {
    hint: 'leave out --set enter=schroot',
  });
}
