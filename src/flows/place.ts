import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

import { UserError, type Spec } from '../model/index.ts';
import type { AnyBackend, Root, Session } from '../contract/index.ts';
import { attach, isInPlace, type Attached } from './attach.ts';
import { paramsOf } from './backend-of.ts';
import { contextOf, type House } from './house.ts';
import { load, loadStored } from './load.ts';
import type { InstanceValue, RootfsValue } from '../inventory/inventory.ts';
import { localRoot } from '../roots/local.ts';
import { layerOver } from '../sessions/layered.ts';
import { archiveRoot, layoutRoot } from '../roots/image/open.ts';

/**
 * Something that can be looked at, by the one grammar of places: `host`, NAME, `root:DIR`, `tar:FILE`, `oci:DIR`, and
 * what backends have under words of their own (`docker:REF`).
 */
export interface Place extends AsyncDisposable {
  readonly label: string;
  readonly root: Root;
  /** Of an instance: what it was made from. */
  readonly spec?: Spec;
  readonly manifest?: string;
  /** Of an instance: the tree that it was made from. */
  readonly rootfs?: RootfsValue;
  /** It had been there before. */
  readonly inPlace?: boolean;
  /** Of an instance: being in it. */
  readonly inside?: Inside;
  /**
   * Being in it. Of a folder: confined; what is changed there goes into `work`, an empty folder, and not into it. Of what
   * a backend has: as the backend does it.
   */
  enter?(work: string): Promise<Inside>;
}

/** Where a command can be run, and how commands are run there where nothing else is said. */
export interface Inside {
  readonly session: Session;
  readonly entered: InstanceValue['entered'];
}

/** Opens a place; `params` are for what a backend opens. Throws UserError 2 for what is none. */
export async function openPlace(
  word: string,
  house: House,
  params: Readonly<Record<string, unknown>> = {},
): Promise<Place> {
  if (word === 'host') return placeOf(localRoot(), 'host');
  const [, kind, named] = /^([a-z]+):(.*)$/s.exec(word) ?? [];
  if (kind === undefined || named === undefined) return await openInstance(word, house);
  if (named === '') throw new UserError(`${word} says which kind of place, but not which`, { status: 2 });
  const { signal } = house;
  switch (kind) {
    case 'root': {
      const directory = resolve(named);
      if (!isFolder(directory)) throw new UserError(`${directory} is not a folder`, { status: 2 });
      const enter = async (work: string) => ({
        entered: { directory: '/', environment: {} },
        session: await layerOver(directory, work, { level: 'confined', network: 'none', mounts: [] }, signal),
      });
      return { ...placeOf(localRoot(directory), word), enter };
    }
    case 'tar': {
      const { path, wanted } = split(named, isFile);
      if (!isFile(path)) throw new UserError(`${path} is not a file`, { status: 2 });
      return placeOf(await archiveRoot(path, word, { wanted, signal }), word);
    }
    case 'oci': {
      const { path, wanted } = split(named, isFolder);
      if (!isFolder(path)) throw new UserError(`${path} is not a folder`, { status: 2 });
      return placeOf(await layoutRoot(path, word, { wanted, signal }), word);
    }
    default:
      return await openOf(word, { kind, reference: named, params }, house);
  }
}

/** What can stand where a place is asked for, as usage shows it. */
function knownPlaces(backends: readonly AnyBackend[]): string[] {
  const others = backends.flatMap(({ place }) => (place === undefined ? [] : [`${place.word}:${place.operand}`]));
  return ['host', 'the name of an instance', 'root:DIR', 'tar:FILE', 'oci:DIR', ...others];
}

/** What a backend has that is not ours. */
async function openOf(
  label: string,
  of: { readonly kind: string; readonly reference: string; readonly params: Readonly<Record<string, unknown>> },
  house: House,
): Promise<Place> {
  const backend = house.backends.find(({ place }) => place?.word === of.kind);
  if (backend?.place === undefined) {
    throw new UserError(`unknown kind of place "${of.kind}:"`, {
      status: 2,
      hint: `known: ${knownPlaces(house.backends).join(', ')}`,
    });
  }
  const { place } = backend;
  const params = paramsOf(backend, of.params);
  const context = contextOf(house);
  const opened = placeOf(await place.open(of.reference, params, context), label);
  const enter = place.enter?.bind(place);
  return enter === undefined ? opened : { ...opened, enter: async () => await enter(of.reference, params, context) };
}

async function openInstance(word: string, house: House): Promise<Place> {
  if (existsSync(word)) {
    const kind = isFolder(word) ? 'root' : 'tar';
    throw new UserError(`${word} is a file or folder, not a place`, {
      status: 2,
      hint: `did you mean ${kind}:${word}?`,
    });
  }
  const attached = await attach(word, house);
  if (attached.record.adopted !== undefined) return await openAdopted(word, attached, house);
  const session = await attached.instance.session();
  return {
    label: word,
    root: session.root,
    inside: { session, entered: attached.record.entered },
    ...(attached.record.spec === undefined ? {} : { spec: await loadStored(word, attached.record.spec, house) }),
    ...(isInPlace(attached.record) ? { inPlace: true } : {}),
    ...(attached.rootfs === undefined ? {} : { rootfs: attached.rootfs }),
    ...(attached.rootfs?.manifest === undefined ? {} : { manifest: attached.rootfs.manifest }),
    [Symbol.asyncDispose]: async () => await session[Symbol.asyncDispose](),
  };
}

/** What we did not make is looked at as the place that it is; and entered where that can be. */
async function openAdopted(word: string, { record, instance }: Attached, house: House): Promise<Place> {
  const { adopted, spec, entered } = record;
  const place = await openPlace(adopted?.place ?? '', house, record.params);
  const { label, root } = place;
  const canEnter = Object.keys(record.facts).length > 0;
  return {
    label: label === 'host' ? label : word,
    root,
    ...(spec === undefined ? {} : { spec: await loadStored(word, spec, house) }),
    ...(canEnter ? { enter: async () => ({ entered, session: await instance.session() }) } : {}),
    [Symbol.asyncDispose]: async () => await place[Symbol.asyncDispose](),
  };
}

/** `FILE` or `FILE:NAME`, where several images are in it; a path that has a colon itself is the whole. */
function split(named: string, isThere: (path: string) => boolean): { readonly path: string; readonly wanted?: string } {
  const whole = resolve(named);
  const { index } = isThere(whole) ? { index: -1 } : (/:/.exec(named) ?? { index: -1 });
  return index < 1 ? { path: whole } : { path: resolve(named.slice(0, index)), wanted: named.slice(index + 1) };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A spec as one side of a comparison; nothing is open. */
export interface SpecSide extends AsyncDisposable {
  readonly label: string;
  readonly spec: Spec;
}

/** What `diff` takes: a spec is a file name, everything else is a place. */
export async function openSide(word: string, house: House): Promise<SpecSide | Place> {
  const isFile = existsSync(word) && statSync(word).isFile();
  if (isFile || /\.(ya?ml|repronim)$/.test(word))
    return { spec: (await load(word, house)).spec, label: word, [Symbol.asyncDispose]: async () => {} };
  return await openPlace(word, house);
}

function placeOf(root: Root, label: string): Place {
  return { label, root, [Symbol.asyncDispose]: async () => await root[Symbol.asyncDispose]() };
}
