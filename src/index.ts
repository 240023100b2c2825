/** repronim as a library: whatever the command line does, without printing, asking or exiting. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, resolve as absolute } from 'node:path';

import { backends } from './backends/index.ts';
import { distributions } from './distributions/index.ts';
import { attach as attachFlow, type Attached } from './flows/attach.ts';
import { create as createFlow, type Created } from './flows/create.ts';
import { diff as diffFlow } from './flows/diff.ts';
import { fingerprintOf, volatileOf } from './flows/fingerprint.ts';
import { findElsewhere } from './flows/fingerprint/elsewhere.ts';
import { createContextOf, withWork } from './flows/create-context.ts';
import { traceContextOf, type House } from './flows/house.ts';
import { load, type Loaded } from './flows/load.ts';
import { openPlace, openSide } from './flows/place.ts';
import { reproduceCommand, reproduceFile, type Reproduction, type Stage } from './flows/reproduce.ts';
import { resolve as resolveFlow } from './flows/resolve.ts';
import { trace as traceFlow, type Traced } from './flows/trace.ts';
import { madeFrom, verify as verifyFlow } from './flows/verify.ts';
import { writeSpec } from './formats/spec/write.ts';
import {
  UserError,
  type Argv,
  type Differences,
  type Fingerprint,
  type RunLock,
  type Spec,
  type Verdict,
} from './model/index.ts';
import type { Confinement } from './contract/index.ts';
import { openHall, type HouseOptions } from './hall.ts';
import { localRoot } from './roots/local.ts';
import { straceTracer } from './tracers/strace/index.ts';

export type { Attached, Created, House, HouseOptions, Loaded, Reproduction, Stage, Traced };
export * from './model/index.ts';

// Everything else that a command does, for a house that `openHouse` gave.
export { activationsOf, changesOf, withActive } from './flows/activation.ts';
export { remove } from './flows/attach.ts';
export { applyChange, planChange } from './flows/change.ts';
export { createGroup } from './flows/group.ts';
export { buildImage } from './flows/image/build.ts';
export { adoptCommit, buildCommit, commitOpaque, planCommit } from './flows/image/commit.ts';
export { exportImage } from './flows/image/export.ts';
export { importImage } from './flows/image/import.ts';
export { listImages } from './flows/image/list.ts';
export { deleteImage } from './flows/image/remove.ts';
export { shrink } from './flows/image/shrink.ts';
export { tagImage } from './flows/image/tag.ts';
export { listInstances } from './flows/list.ts';
export { prune, pruneable } from './flows/prune.ts';
export { saveBundle } from './flows/save-bundle.ts';
export { urlsOf } from './flows/urls.ts';

/** Opens this user's house: settings, store and inventory, with every plug-in in it. Changes nothing on disk. */
export function openHouse(options: HouseOptions = {}): House {
  return { ...openHall(options), distributions, tracer: straceTracer };
}

export interface TraceOptions extends HouseOptions {
  readonly directory?: string;
  /** `used`, `closure` (default: used files, locked closure) or `all`. */
  readonly scope?: 'used' | 'closure' | 'all';
  readonly stat?: boolean;
}

/** Runs a command and finds out what it ran on. */
export async function trace(command: Argv, options: TraceOptions = {}): Promise<Traced> {
  const house = openHouse(options);
  const directory = absolute(options.directory ?? '.');
  const env = definedOnly(options.env ?? process.env);
  return await withWork(house, async (work) =>
    traceFlow(
      {
        root: localRoot(),
        run: { command, directory, env, onto: 2, keepOutput: true, stat: options.stat ?? false, as: runningAs(env) },
        except: ownFiles(house),
      },
      house,
      traceContextOf(house, { scope: options.scope ?? 'used', keep: true, whole: [] }),
      work,
    ),
  );
}

export interface CreateOptions extends HouseOptions {
  readonly name: string;
  /** Default: the first of the registry, `chroot`. */
  readonly backend?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly confinement?: Confinement;
}

/** An environment that was made, to be verified and used; disposing of it lets go of it, and leaves it there. */
export type Study = Created & { readonly house: House; readonly spec: Spec } & AsyncDisposable;

/** Makes an environment from a spec; entries without a lock are resolved first. */
export async function create(spec: Spec, options: CreateOptions): Promise<Study> {
  const house = openHouse(options);
  const exact = await resolveFlow({ spec, entries: 'unlocked', renew: [] }, house);
  const source = await house.store.add(Buffer.from(writeSpec(exact, { distributions })));
  const created = await createFlow(
    {
      name: options.name,
      backend: options.backend ?? backends[0]?.name ?? '',
      params: options.params ?? {},
      spec: exact,
      source,
      confinement: options.confinement ?? { level: 'confined', network: 'none', mounts: [] },
    },
    house,
  );
  return { ...created, house, spec: exact, [Symbol.asyncDispose]: async () => await created.instance.stop() };
}

/** Looks at an environment, and compares it with the spec that it was made from. */
export async function verify(study: Study): Promise<Verdict> {
  await using session = await study.instance.session();
  return await withWork(study.house, async (work) =>
    verifyFlow(study.spec, session.root, {
      distributions,
      context: createContextOf(study.house, work, false),
      ...madeFrom(study.rootfs),
      ...(study.inPlace === undefined ? {} : { inPlace: true }),
    }),
  );
}

/** An environment that the inventory has. */
export async function attach(name: string, options: HouseOptions = {}): Promise<Attached> {
  return await attachFlow(name, openHouse(options));
}

/** A spec or a bundle, read and checked. */
export async function read(file: string, options: HouseOptions = {}): Promise<Loaded> {
  return await load(file, openHouse(options));
}

/** A spec with a lock for every distribution; what is locked and still satisfies stays, but for `renew`. */
export async function resolve(
  spec: Spec,
  options: HouseOptions & { readonly renew?: true | readonly string[] } = {},
): Promise<Spec> {
  return await resolveFlow({ spec, entries: 'stale', renew: options.renew ?? [] }, openHouse(options));
}

/** How any two of spec, bundle and place differ, each named as on the command line. */
export async function diff(
  a: string,
  b: string,
  options: HouseOptions & { readonly satisfies?: boolean } = {},
): Promise<Differences> {
  const house = openHouse(options);
  await using one = await openSide(a, house);
  await using other = await openSide(b, house);
  const context = traceContextOf(house, { scope: 'used', keep: false, whole: [] });
  return await diffFlow(one, other, { satisfies: options.satisfies ?? false, distributions, context });
}

/** The fingerprint of a place: `host`, an instance's name, `root:DIR`, `tar:FILE`, `oci:DIR`, `docker:REF`. */
export async function fingerprint(word: string, options: HouseOptions = {}): Promise<Fingerprint> {
  const house = openHouse(options);
  await using place = await openPlace(word, house);
  return await fingerprintOf(place.root, {
    volatile: volatileOf(place.spec ?? { repronim: 1, distributions: [] }, distributions),
    ...(place.manifest === undefined ? {} : { manifest: place.manifest }),
    signal: house.signal,
    ...(word === 'host' ? { except: [...findElsewhere().map(({ path }) => path), ...ownFiles(house)] } : {}),
    onProgress: house.onProgress,
  });
}

export interface ReproduceLibraryOptions extends TraceOptions {
  readonly backend?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly name?: string;
  /** Default for a command: confined where that can be had, with the network; for a file: confined, no network. */
  readonly confinement?: Confinement;
  /** The environment is removed afterwards. */
  readonly remove?: boolean;
  readonly onStage?: (stage: Stage) => void;
}

/** Traces a command, builds its environment again, and runs it there; or does the latter with a spec or bundle. */
export async function reproduce(what: Argv | string, options: ReproduceLibraryOptions = {}): Promise<Reproduction> {
  const house = openHouse(options);
  const own = typeof what !== 'string';
  const directory = absolute(options.directory ?? '.');
  const common = {
    backend: options.backend ?? backends[0]?.name ?? '',
    params: options.params ?? {},
    ...(options.name === undefined ? {} : { name: options.name }),
    folder: own ? directory : basename(what).replace(/\.(ya?ml|repronim)$/, ''),
    confinement: options.confinement ?? {
      level: own ? ('trusted' as const) : ('confined' as const),
      network: own ? ('host' as const) : ('none' as const),
      mounts: [],
    },
    remove: options.remove ?? false,
    onStage: options.onStage ?? (() => {}),
  };
  if (!own) return await reproduceFile(await load(what, house), common, house);
  const env = definedOnly(options.env ?? process.env);
  const run = {
    command: what,
    directory,
    env,
    onto: 2 as const,
    keepOutput: true,
    stat: options.stat ?? false,
    as: runningAs(env),
  };
  return await reproduceCommand(
    { root: localRoot(), run, except: ownFiles(house) },
    { ...common, scope: options.scope ?? 'used', keep: true, whole: [] },
    house,
  );
}

/** Who we are, as far as a command can tell: what a replay is run as. */
export function runningAs(env: Readonly<Record<string, string>>): RunLock['as'] {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  if (uid === undefined || gid === undefined) throw new UserError('this is no Linux machine', { status: 4 });
  const groups = (process.getgroups?.() ?? []).filter((group) => group !== gid).sort((a, b) => a - b);
  const umask = /^Umask:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0022';
  return { uid, gid, ...(groups.length === 0 ? {} : { groups }), umask, home: env['HOME'] ?? homedir() };
}

/** Where our own files are: never traced. */
export function ownFiles(house: House): readonly string[] {
  const { config, data, state, cache, runtime } = house.places;
  return [config, data, state, cache, runtime];
}

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined));
}
