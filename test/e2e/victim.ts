import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { remove } from '../../src/flows/attach.ts';
import { listInstances } from '../../src/flows/list.ts';
import { prune, pruneable } from '../../src/flows/prune.ts';
import { openHouse } from '../../src/index.ts';
import { scratch } from './need.ts';
import { myself, said, start, type, type Person, type Said } from './person.ts';

/** An instance whose making is broken off again and again, in a home of its own. */
export interface Victim extends Disposable {
  readonly name: string;
  /** Where all that is ours lies. */
  readonly home: string;
  /** Types `repronim WORDS`. */
  types(...words: readonly string[]): Promise<Said>;
  /**
   * Types it, and kills it after so many milliseconds (from the moment on at which the instance is on record), alone or
   * with all that it has started; how far it had come.
   */
  kills(words: readonly string[], moment: number, everybody: boolean, from?: 'the record'): Promise<string>;
  isThere(): Promise<boolean>;
  /** Takes it away, and what nobody uses then. */
  takeAway(): Promise<void>;
  /** Digests of the trees that are there. */
  trees(): Promise<readonly string[]>;
  /** All files below the home, and trees. */
  files(): readonly string[];
  mounts(): readonly string[];
  /** Waits until no process of it runs; what still does after ten seconds. */
  processes(): Promise<readonly string[]>;
}

/** Opens the home, where nothing is yet. */
export function openVictim(label: string, env: Readonly<Record<string, string>> = {}): Victim {
  const home = scratch(`faults-${label}`, 2 ** 30);
  const work = mkdtempSync(join(tmpdir(), 'repronim-faults-'));
  const temporary = join(home, 'tmp');
  mkdirSync(temporary);
  // a limit that no kernel enforces, and that every child inherits: by it, processes of ours are known
  const mark = 2 ** 40 + (process.pid * 16 + (opened += 1)) * 4096;
  const plain = myself(home);
  const me: Person = {
    ...plain,
    as: ['/usr/bin/prlimit', `--rss=${mark}`, '--'],
    env: { ...plain.env, ...env, TMPDIR: temporary, NODE_COMPILE_CACHE: join(work, 'compiled') },
  };
  const house = openHouse({ env: me.env });
  const name = `${label}-${process.pid}`; // nobody else's container has it

  /** How far a create has come, as one sees it on the disk. */
  const phase = async (): Promise<string> => {
    const instance = await house.inventory.instances.find(name);
    if (instance === undefined) return 'before anything';
    if (instance.status === 'made') return 'at the end';
    const trees = readdirSync(house.places.rootfs);
    if (trees.some((tree) => tree.endsWith('.new'))) return 'laying';
    const { image, facts } = instance.value ?? {};
    if (Object.keys(facts ?? {}).length > 0) return 'launching';
    if (image?.reference) return 'before the launch';
    const made = (await house.inventory.rootfs.list()).filter(({ status }) => status === 'made');
    return made.length === trees.length && trees.length > 0 ? 'making the image' : 'getting packages';
  };

  return {
    name,
    home,
    async types(...words) {
      return await type(me, words, { directory: work });
    },
    async kills(words, moment, everybody, from) {
      const child = start(me, words, { directory: work });
      const ended = said(child);
      const record = join(house.places.state, 'instances', `${name}.json`);
      while (from !== undefined && child.exitCode === null && !existsSync(record)) await sleep(2);
      await Promise.race([ended, sleep(moment)]);
      for (const pid of everybody ? marked(mark) : [child.pid ?? 0]) kill(pid);
      await ended;
      return await phase();
    },
    async isThere() {
      return (await listInstances(house)).some((one) => one.name === name);
    },
    async takeAway() {
      await remove(name, house);
      await prune(await pruneable(house), house);
    },
    async trees() {
      return (await house.inventory.rootfs.list()).map((tree) => tree.name);
    },
    files() {
      const found: string[] = [];
      const walk = (folder: string) => {
        for (const entry of readdirSync(folder).sort()) {
          const path = join(folder, entry);
          const isFolder = lstatSync(path).isDirectory();
          const inside = relative(home, path);
          if (inside.startsWith('run/ssh-')) continue; // a connection stays for a minute
          const isTree = inside.startsWith('data/rootfs/');
          // folders that shelves and stores are made of stay, empty
          if (!isFolder || isTree || inside.startsWith('tmp/')) found.push(inside);
          if (isFolder && !isTree) walk(path);
        }
      };
      walk(home);
      return found;
    },
    mounts() {
      const table = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
      return table.filter((line) => line.includes(home) || line.includes(work));
    },
    async processes() {
      for (const since = performance.now(); performance.now() - since < 10_000; await sleep(20)) {
        if (marked(mark).length === 0) return [];
      }
      return marked(mark).map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
    },
    [Symbol.dispose]() {
      rmSync(work, { recursive: true, force: true });
    },
  };
}

let opened = 0;

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

/** Processes with a mark that are still running. */
function marked(mark: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
        if (!limits.includes(` ${mark} `)) return false;
        // a connection stays for a minute after its last use, whatever became of us
        if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('ssh: ')) return false;
        return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false; // it has ended
      }
    })
    .map(Number);
}
