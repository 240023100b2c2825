import { join } from 'node:path';

import { UserError, type EnvironmentChange, type RunLock } from '../model/index.ts';
import type { ImageRecord, InstanceRecord } from '../contract/index.ts';
import { lockFile, type Lock } from './lock.ts';
import { openShelf, type Shelf } from './shelf.ts';

/** What is kept of one instance. */
export interface InstanceValue extends InstanceRecord {
  /** The sha256 of the spec that it was made from, in the store; absent where its image had none. */
  readonly spec?: string;
  /** Parameters of its backend, without secrets. */
  readonly params: Readonly<Record<string, unknown>>;
  /** How it is entered where nothing else is said: as its spec's first run was run. */
  readonly entered: {
    readonly directory: string;
    readonly as?: RunLock['as'];
    readonly environment: Readonly<Record<string, string>>;
    /** What switching on each distribution changes, by id: `exec` does not load them all. */
    readonly activations?: Readonly<Record<string, readonly EnvironmentChange[]>>;
    /** Ids of those that are active where nothing else is said, in order. */
    readonly with?: readonly string[];
  };
  /** The instances that were made together with it have the same one. */
  readonly group?: string;
  /** It was not made by us, and is never removed: the word for the place, and whether what runs in it may change it. */
  readonly adopted?: { readonly place: string; readonly writable: boolean };
  /** The sha256 of the spec that it is being turned into, in the store: while that is not done, or was interrupted. */
  readonly becoming?: string;
  /** What was changed since it was made: a list of paths in the store, and content that it took. sha256s. */
  readonly changed?: { readonly paths: string; readonly contents: readonly string[] };
}

/** What is kept of one image, under `<backend>-<digest of its rootfs>`. */
export interface ImageValue extends ImageRecord {
  readonly params: Readonly<Record<string, unknown>>;
  /** Folders and files of its own, absolute. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What is kept of one rootfs, under the digest of its lock. */
export interface RootfsValue {
  readonly digest: string;
  readonly directory: string;
  readonly manifest?: string;
  /** When it began to be laid, in milliseconds since the epoch: what is newer was generated. */
  readonly laid?: number;
  /** Names that people gave it: it is not pruned as long as it has one. */
  readonly tags?: readonly string[];
  /** The sha256 of its spec's text, in the store. */
  readonly spec?: string;
  /** The digest of the tree that packages were installed into, where it was not laid from nothing: it has more than its spec. */
  readonly base?: string;
  /** What it was imported from, for people; absent where it was built. */
  readonly from?: string;
  /** The tree of an instance as it was found: no spec says what is in it. */
  readonly opaque?: true;
  /** Content of the store that it is made from and that archives have: sha256s. */
  readonly fetched: readonly string[];
  /** The sha256 of the list of what the user's own steps made, in the store. */
  readonly customized?: string;
  /** Content of the store that only this machine or a bundle has. */
  readonly kept: readonly string[];
}

/** What exists of this user's on this machine; `kill -9` at any moment leaves nothing out of it. */
export interface Inventory {
  readonly instances: Shelf<InstanceValue>;
  readonly images: Shelf<ImageValue>;
  readonly rootfs: Shelf<RootfsValue>;
  /** The turn of whoever takes away what nobody uses; there is one at a time, and others wait for it. */
  prunes(): Promise<Lock>;
  /**
   * Whoever needs something writes that down, waits for this, and looks then: no prune that has not seen it is still
   * at work.
   */
  settled(): Promise<void>;
}

/** How long somebody else may be at work, in milliseconds. */
const waitMs = 600_000;

/** Opens the inventory below a folder (`places(env).state`); nothing is written before something is reserved. */
export function openInventory(directory: string): Inventory {
  const prunes = async () => {
    const lock = await lockFile(join(directory, 'prune.lock'), { waitMs });
    if (lock === undefined) throw new UserError('another repronim is pruning', { hint: 'wait until that has ended' });
    return lock;
  };
  return {
    instances: openShelf({ directory: join(directory, 'instances'), what: 'instance', check: checkInstance }),
    images: openShelf({ directory: join(directory, 'images'), what: 'image', check: checkImage, waitMs }),
    rootfs: openShelf({ directory: join(directory, 'rootfs'), what: 'rootfs', check: checkRootfs, waitMs }),
    prunes,
    async settled() {
      using _turn = await prunes();
    },
  };
}

function checkInstance(value: unknown): InstanceValue {
  const fields = object(value);
  texts(fields, 'name', 'backend');
  if (fields['spec'] !== undefined) texts(fields, 'spec');
  if (fields['group'] !== undefined) texts(fields, 'group');
  if (fields['adopted'] !== undefined) texts(object(fields['adopted']), 'place');
  checkImage({ params: {}, facts: {}, ...object(fields['image']) });
  object(fields['facts']);
  object(fields['params']);
  object(object(fields['entered'])['environment']);
  const { level, network, mounts } = object(fields['confinement']);
  if (typeof level !== 'string' || typeof network !== 'string' || !Array.isArray(mounts)) throw damaged();
  return value as InstanceValue;
}

function checkImage(value: unknown): ImageValue {
  const fields = object(value);
  texts(fields, 'backend', 'reference', 'rootfs');
  object(fields['facts']);
  object(fields['params']);
  return value as ImageValue;
}

function checkRootfs(value: unknown): RootfsValue {
  const fields = object(value);
  texts(fields, 'digest', 'directory');
  if (fields['manifest'] !== undefined) texts(fields, 'manifest');
  for (const key of ['fetched', 'kept']) {
    const list = fields[key];
    if (!Array.isArray(list) || list.some((sha256) => typeof sha256 !== 'string')) throw damaged();
  }
  return value as RootfsValue;
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged();
  return value as Record<string, unknown>;
}

function texts(fields: Record<string, unknown>, ...keys: readonly string[]): void {
  if (keys.some((key) => typeof fields[key] !== 'string')) throw damaged();
}

function damaged(): Error {
  return new TypeError('not a record of the inventory');
}
