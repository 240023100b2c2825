import { existsSync } from 'node:fs';

import type { CreateContext, LaidRoot } from '../../../contract/index.ts';
import { UserError } from '../../../model/index.ts';
import { packageKey, type AptLock, type AptSpec } from '../spec.ts';
import { layRoot } from './lay.ts';
import { foundAs } from './recognise.ts';

/** Lays exactly the locked packages, which are in the store, into an empty folder. */
export async function bootstrap(
  spec: AptSpec,
  lock: AptLock,
  directory: string,
  context: CreateContext,
): Promise<LaidRoot> {
  const architectures = lock.architectures ?? (spec.architecture === undefined ? [] : [spec.architecture]);
  refuseForeign(architectures[0]);
  if (!lock.packages.some(({ name }) => name === 'dpkg')) {
    throw new UserError('this environment has no dpkg, so its packages cannot be installed', {
      status: 4,
      hint: 'add dpkg to its packages, and resolve it again',
    });
  }
  const debs = await Promise.all(
    lock.packages.map(async (one) => {
      const { name, version, architecture } = one;
      const { sha256 } = await foundAs(one, context.store);
      const file = await context.store.find(sha256);
      if (file === undefined)
        throw new UserError(`${name} ${version} is not in the store`, { hint: 'create it again' });
      return { name, version, architecture, sha256, file };
    }),
  );
  return await layRoot(debs, directory, {
    merged: lock.unmerged !== true,
    architectures,
    holds: lock.packages.filter(({ hold }) => hold === true).map(packageKey),
    cache: context.store.cache('payloads'),
    lists: lock,
    trusted: context.trusted,
    signal: context.signal,
    onProgress: context.onProgress,
  });
}

/** What this machine's kernel runs: by Node's name of it, Debian's. */
const native: Readonly<Record<string, readonly string[]>> = {
  x64: ['amd64', 'i386', 'x32'],
  arm64: ['arm64'],
  arm: ['armhf', 'armel'],
  ia32: ['i386'],
  loong64: ['loong64'],
  ppc64: ['ppc64el'],
  riscv64: ['riscv64'],
  s390x: ['s390x'],
};

/** Debian's name of this machine's architecture; undefined where it has none. */
export function nativeArchitecture(): string | undefined {
  return native[process.arch]?.[0];
}

/** Kernel names of architectures that binfmt_misc may run: qemu's. */
const emulated: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  arm64: 'aarch64',
  armel: 'arm',
  armhf: 'arm',
  i386: 'i386',
  ppc64el: 'ppc64le',
  riscv64: 'riscv64',
  s390x: 's390x',
};

function refuseForeign(architecture: string | undefined): void {
  if (architecture === undefined || native[process.arch]?.includes(architecture) === true) return;
  const machine = emulated[architecture];
  if (machine !== undefined && existsSync(`/proc/sys/fs/binfmt_misc/qemu-${machine}`)) return;
  throw new UserError(
    `this environment is for ${architecture}, and this machine is ${native[process.arch]?.[0] ?? process.arch}`,
    {
      status: 4,
      hint: `create it on such a machine (-b ssh), or install qemu-user-static, which runs ${architecture} programs here`,
    },
  );
}
