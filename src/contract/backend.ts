import type { GenericSchema } from 'valibot';

import type { Context } from './context.ts';
import type { LaidRoot } from './distribution.ts';
import type { Entered, PlaceOpener } from './place.ts';
import type { Argv } from '../model/index.ts';
import type { ExecOptions, Session } from './session.ts';

export type Usable = { readonly usable: true; readonly detail: string };
export type Unusable = {
  readonly usable: false;
  readonly because: string;
  readonly hint: string;
  /** It can be used all the same where confinement need not be had: one's own trace, or `--trust`. */
  readonly whenTrusted?: true;
};

/** The one tree that every file-booting backend is assembled from. */
export interface Rootfs extends LaidRoot {
  /** The digest of the lock that it was made from, in hexadecimal. */
  readonly digest: string;
  /** When it began to be laid, in milliseconds since the epoch: what is newer was generated, and has no time of its own. */
  readonly laid?: number;
}

/** How much an instance may reach. */
export interface Confinement {
  /** `confined`: as docs/architecture.md has it; `trusted`: as well as this machine can, and no error where it can't. */
  readonly level: 'confined' | 'trusted';
  readonly network: 'none' | 'host';
  /** Folders of this machine that are let in: `HOST:PATH[:ro]`, parsed. */
  readonly mounts: readonly { readonly source: string; readonly path: string; readonly readonly: boolean }[];
}

/** What the inventory keeps of an image; serialisable. */
export interface ImageRecord {
  readonly backend: string;
  /** The backend's own reference. */
  readonly reference: string;
  readonly rootfs: string;
  /** What the backend has recorded while it made it (where: which daemon). */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** What the inventory keeps of an instance; serialisable, without secrets. Written before the thing is made. */
export interface InstanceRecord {
  readonly name: string;
  readonly backend: string;
  readonly image: ImageRecord;
  readonly confinement: Confinement;
  /** The backend's own facts: container id, folders, holder's pid and start time. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export type InstanceStatus = 'running' | 'stopped' | 'gone' | 'broken';

export interface BackendContext extends Context {
  /** Where this instance's or image's own files go: a folder that exists and is ours alone. */
  readonly state: string;
  /** Writes facts to the inventory before the next thing is made. */
  record(facts: Readonly<Record<string, unknown>>): Promise<void>;
}

/** A kind of place. */
export interface Backend<P = unknown> {
  readonly name: string;
  readonly title: string;
  readonly params: GenericSchema<unknown, P>;
  /** `doctor`: can it be used here, and if not why, and what to do. Changes nothing. */
  probe(params: P, context: Context): Promise<Usable | Unusable>;
  /** From the one rootfs to an image that can be launched. Idempotent for one digest. */
  assemble(rootfs: Rootfs, params: P, context: BackendContext): Promise<ImageRecord>;
  /**
   * Where such an image lies and what it is called, where parameters or the environment decide that (which daemon):
   * images that differ in it are different ones. Absent: there is one for each rootfs.
   */
  imageKey?(params: P): string;
  removeImage(image: ImageRecord, params: P, context: Context): Promise<void>;
  /** Makes an instance; it is `stopped` or `running` afterwards, as the backend has it. */
  launch(
    image: ImageRecord,
    rootfs: Rootfs,
    name: string,
    confinement: Confinement,
    params: P,
    context: BackendContext,
  ): Promise<Instance>;
  /**
   * A place that is there already (this machine, a host), as it is: what a spec lays over its base is laid over that,
   * and neither `assemble` nor `launch` is asked. Undefined where, with these parameters, places are made from files.
   */
  open?(params: P, context: BackendContext): Promise<Session | undefined>;
  /** Whether `open` gives one with these parameters, said without asking any place. Absent: wherever there is an `open`. */
  isThere?(params: P): boolean;
  attach(record: InstanceRecord, params: P, context: BackendContext): Promise<Instance>;
  /** Removes whatever a record that was cut short may have left. Idempotent. */
  sweep(record: InstanceRecord, params: P, context: BackendContext): Promise<void>;
  /** Things of this kind that we did not make, to be looked into. */
  readonly place?: PlaceOpener<P>;
  /** Being in things of this kind that we did not make. */
  readonly adopt?: Adopter<P>;
}

/** How a backend enters what we did not make, and never removes it: `WORD:REFERENCE` under a name of ours. */
export interface Adopter<P = unknown> {
  /** What stands before the colon; where the backend has a `place`, that one's. */
  readonly word: string;
  /**
   * The facts by which it is found again; undefined where it can only be looked at (an image). Changes nothing.
   * Throws UserError 2 for what is not there.
   */
  find(reference: string, params: P, context: Context): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** How commands are run in it where nothing else is said; undefined or absent: as root, at its root folder. */
  entered?(reference: string, params: P, context: Context): Promise<Entered['entered'] | undefined>;
  /** As an instance: `start` and `stop` refuse where that is not ours to do, `remove` takes away only what is ours. */
  enter(record: InstanceRecord, writable: boolean, params: P, context: BackendContext): Instance;
}

/** A live environment. */
export interface Instance {
  readonly name: string;
  status(): Promise<InstanceStatus>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Being there; starts the instance where it is stopped, and stops it again afterwards when nobody else is in. */
  session(): Promise<Session>;
  /** One program and nothing else, as `Session.exec` would run it: where that is quicker than a session. */
  exec?(argv: Argv, options: ExecOptions): Promise<number>;
  /** Removes it and all that is its own. Never crosses a mount. */
  remove(): Promise<void>;
}

// The registry's element type; a backend's own P meets only what its own params schema has let in.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyBackend = Backend<any>;
