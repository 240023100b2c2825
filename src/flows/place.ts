import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

import { UserError, type Spec } from '../model/index.ts';
import type { Root } from '../contract/index.ts';
import { attach } from './attach.ts';
import type { House } from './house.ts';
import { load, loadStored } from './load.ts';
import type { RootfsValue } from '../inventory/inventory.ts';
import { localRoot } from '../roots/local.ts';
import { tarRoot } from '../roots/tar.ts';

/** Something that can be looked at, by the one grammar of places: `host`, NAME, `root:DIR`, `tar:FILE`. */
export interface Place extends AsyncDisposable {
  readonly label: string;
  readonly root: Root;
  /** Of an instance: what it was made from. */
  readonly spec?: Spec;
  readonly manifest?: string;
  /** Of an instance: the tree that it was made from. */
  readonly rootfs?: RootfsValue;
}

/** Opens a place. Throws UserError 2 for what is none. */
export async function openPlace(word: string, house: House): Promise<Place> {
  if (word === 'host') return placeOf(localRoot(), 'host');
  if (word.startsWith('root:')) {
    const directory = resolve(word.slice('root:'.length));
    if (!existsSync(directory) || !statSync(directory).isDirectory()) {
      throw new UserError(`${directory} is not a folder`, { status: 2 });
    }
    return placeOf(localRoot(directory), word);
  }
  if (word.startsWith('tar:')) {
    const file = resolve(word.slice('tar:'.length));
    if (!existsSync(file) || !statSync(file).isFile()) throw new UserError(`${file} is not a file`, { status: 2 });
    return placeOf(await tarRoot(file, word), word);
  }
  if (/^[a-z]+:/.test(word)) {
    throw new UserError(`unknown kind of place "${word.slice(0, word.indexOf(':') + 1)}"`, {
      status: 2,
      hint: 'known: host, the name of an instance, root:DIR, tar:FILE',
    });
  }
  if (existsSync(word)) {
    throw new UserError(`${word} is a file or folder, not a place`, { status: 2, hint: `did you mean root:${word}?` });
  }
  const attached = await attach(word, house);
  const session = await attached.instance.session();
  return {
    label: word,
    root: session.root,
    spec: await loadStored(word, attached.record.spec, house),
    ...(attached.rootfs === undefined ? {} : { rootfs: attached.rootfs }),
    ...(attached.rootfs?.manifest === undefined ? {} : { manifest: attached.rootfs.manifest }),
    [Symbol.asyncDispose]: async () => await session[Symbol.asyncDispose](),
  };
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
