import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { dockerEngine } from '../../src/backends/docker/index.ts';
import { podmanEngine } from '../../src/backends/podman/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { connectEngine, type Engine } from '../../src/toolkits/engine/client.ts';
import { labels } from '../../src/toolkits/engine/image.ts';
import { apptainerHere } from './apptainer-here.ts';
import { withDockerd } from './dockerd.ts';
import { need } from './need.ts';
import { needPodman } from './podman.ts';
import { withSshd } from './sshd.ts';

/** A backend, as faults are put to it. */
export interface FaultPlace {
  /** Words after `create NAME …`. */
  readonly options: readonly string[];
  /** What it has of ours outside of our own folders: sorted, comparable. */
  elsewhere(name: string, trees: readonly string[]): Promise<unknown>;
}

/** Whatever is to be ended after a test. */
interface Owner {
  after(work: () => Promise<void>): unknown;
}

/** Opens one; what it starts is ended with the owner. Throws where it can't be had on this machine. */
export const faultPlaces: Readonly<Record<string, (owner: Owner) => Promise<FaultPlace>>> = {
  chroot: async () => ({ options: [], elsewhere: async () => undefined }),

  async docker(owner) {
    const address = await withDockerd(owner);
    const engine = await connectEngine(dockerEngine, address);
    return {
      options: ['-b', 'docker', '--set', `host=${address}`],
      elsewhere: async (name, trees) => await inEngine(engine, name, trees),
    };
  },

  async podman() {
    await needPodman();
    return {
      options: ['-b', 'podman'],
      elsewhere: async (name, trees) => await inEngine(await connectEngine(podmanEngine, undefined), name, trees),
    };
  },

  async apptainer() {
    const program = await apptainerHere();
    return {
      options: ['-b', 'apptainer', '--set', `program=${program}`],
      elsewhere: async () => undefined,
    };
  },

  async sif() {
    const program = await apptainerHere();
    await need('squashfs-tools-ng');
    return {
      options: ['-b', 'apptainer', '--set', `program=${program}`, '--set', 'format=sif'],
      elsewhere: async () => undefined,
    };
  },

  async schroot() {
    await need('schroot');
    return { options: ['-b', 'schroot'], elsewhere: inSchroot };
  },

  async 'schroot-file'() {
    await need('schroot');
    return { options: ['-b', 'schroot', '--set', 'type=file'], elsewhere: inSchroot };
  },

  async ssh(owner) {
    const server = await withSshd();
    owner.after(async () => await server[Symbol.asyncDispose]());
    const folder = join(server.folder, 'state');
    return {
      options: ['-b', 'ssh', '--set', 'host=there', '--set', `config=${server.config}`, '--set', `folder=${folder}`],
      async elsewhere() {
        const processes = await leftIn(folder);
        const files = existsSync(folder)
          ? readdirSync(folder, { recursive: true, withFileTypes: true })
              .filter((entry) => !entry.isDirectory() || !/^(?:state|rootfs|instances)$/.test(entry.name))
              .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
              .sort()
          : [];
        return { files, processes };
      },
    };
  },
};

/** What an engine has of ours: the container, and images that are made of these trees or are on the way there. */
async function inEngine(engine: Engine, name: string, trees: readonly string[]): Promise<unknown> {
  const list = async (path: string, filters: Readonly<Record<string, readonly string[]>>) => {
    const found = await engine.call('GET', path, { query: { all: 1, filters: JSON.stringify(filters) } });
    return (found as { Id: string }[]).map(({ Id }) => Id).sort();
  };
  const made = trees.flatMap((digest) => [`${labels.lock}=sha256:${digest}`, `${labels.part}=sha256:${digest}`]);
  return {
    containers: await list('/containers/json', { name: [`repronim-${name}`] }),
    images: await Promise.all(made.map(async (label) => await list('/images/json', { label: [label] }))),
  };
}

/** Sessions, chroots, unpacked trees, mounts and overlays that schroot has for an instance. */
async function inSchroot(name: string): Promise<unknown> {
  const { stdout } = await runProcess(['schroot', '--list', '--all-sessions'], { cwd: '/', accept: 'any' });
  const mine = (text: string) => text.includes(`repronim-${name}-`);
  const folders = [
    '/etc/schroot/chroot.d',
    '/var/lib/schroot/session',
    '/var/lib/schroot/unpack',
    '/run/schroot/mount',
    '/var/lib/schroot/union/overlay',
    '/var/lib/schroot/union/underlay',
  ];
  const files = folders.flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).flatMap((file) => (mine(file) ? [join(folder, file)] : [])) : [],
  );
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(mine);
  return { sessions: stdout.toString().split('\n').filter(mine), files, mounts };
}

/** The same, once they have had ten seconds to end: who is done with a host stays there for a moment. */
export async function leftIn(folder: string): Promise<readonly string[]> {
  for (const since = performance.now(); performance.now() - since < 10_000; await sleep(50)) {
    if (usersOf(folder).length === 0) return [];
  }
  return usersOf(folder);
}

/** Processes that have something below a folder mounted, or are told of it; not ourselves. */
function usersOf(folder: string): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
      const isServer = words.startsWith('sshd: ') || words.includes('/usr/sbin/sshd ');
      return !isServer && (mounts.includes(folder) || words.includes(folder)) ? [words] : [];
    } catch {
      return []; // it has ended
    }
  });
}
