import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { UserError } from '../model/index.ts';
import { withTable } from '../formats/config-edit.ts';
import { near } from '../formats/near.ts';
import { readProfiles, refuseSecrets, tableOf, type Profile } from '../formats/profile.ts';
import { writeWhole } from '../formats/write-whole.ts';
import { lockFile } from '../inventory/lock.ts';
import { backendOf, paramsOf } from './backend-of.ts';
import { contextOf, type Hall } from './house.ts';

/** Every configured place, sorted by name. */
export function resourcesOf({ settings }: Pick<Hall, 'settings'>): readonly Profile[] {
  return readProfiles(settings('resources'), 'the settings');
}

/** A backend with parameters: that of the resource of this name, or the backend of this name itself. */
export function whereOf(
  word: string,
  given: Readonly<Record<string, string>>,
  hall: Pick<Hall, 'settings' | 'backends'>,
): { readonly backend: string; readonly params: Readonly<Record<string, string>> } {
  const names = hall.backends.map(({ name }) => name);
  if (names.includes(word)) return { backend: word, params: given };
  const resources = resourcesOf(hall);
  const found = resources.find(({ name }) => name === word);
  if (found !== undefined) return { backend: found.backend, params: { ...found.set, ...given } };
  const known = [...names, ...resources.map(({ name }) => name)];
  const close = near(word, known);
  throw new UserError(`unknown backend "${word}"`, {
    status: 2,
    hint: `${close === undefined ? '' : `did you mean ${close}? `}known: ${known.join(', ')}`,
  });
}

/** The one of that name. Throws UserError 2. */
export function resourceNamed(name: string, hall: Pick<Hall, 'settings'>): Profile {
  const resources = resourcesOf(hall);
  const found = resources.find((one) => one.name === name);
  if (found !== undefined) return found;
  const known = resources.map((one) => one.name);
  throw new UserError(`there is no resource ${name}`, {
    status: 2,
    hint: known.length === 0 ? 'there are none yet: repronim resource add makes one' : `there are: ${known.join(', ')}`,
  });
}

/** Writes resources into the user's settings, all or none; with `force`, in the place of those of the same name. */
export async function addResources(profiles: readonly Profile[], force: boolean, hall: Hall): Promise<void> {
  for (const profile of profiles) {
    check(profile, hall);
    if (force || !resourcesOf(hall).some(({ name }) => name === profile.name)) continue;
    throw new UserError(`there is a resource ${profile.name} already`, {
      status: 2,
      hint: 'choose another name, or replace it with --force',
    });
  }
  await edit(hall, (text, file) =>
    profiles.reduce(
      (edited, profile) => withTable(edited, { file, group: 'resources', name: profile.name }, tableOf(profile)),
      text,
    ),
  );
}

/** Takes one out of the user's settings; what was made with it stays, and works as before. */
export async function deleteResource(name: string, hall: Hall): Promise<void> {
  resourceNamed(name, hall);
  await edit(hall, (text, file) => {
    const edited = withTable(text, { file, group: 'resources', name }, undefined);
    if (edited !== text) return edited;
    throw new UserError(`the resource ${name} does not stand in ${file}: repronim config says where it does`);
  });
}

/** Whether it can be used, and if not why. */
export async function examineResource(profile: Profile, hall: Hall) {
  const backend = backendOf(profile.backend, hall.backends);
  return await backend.probe(paramsOf(backend, profile.set), contextOf(hall));
}

function check(profile: Profile, { backends }: Hall): void {
  const { name, set } = profile;
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw new UserError(`"${name}" cannot be the name of a resource`, {
      status: 2,
      hint: 'a small letter, then letters, digits and -',
    });
  }
  if (backends.some((one) => one.name === name)) {
    throw new UserError(`${name} is a backend: a resource of it needs a name of its own`, { status: 2 });
  }
  refuseSecrets(profile);
  paramsOf(backendOf(profile.backend, backends), set);
}

async function edit({ places }: Hall, change: (text: string, file: string) => string): Promise<void> {
  const named = process.env['REPRONIM_CONFIG'];
  const file = named === undefined || named === '' ? join(places.config, 'config.toml') : named;
  using lock = await lockFile(join(places.state, 'locks', 'config'), { waitMs: 5000 });
  if (lock === undefined)
    throw new UserError('the settings are in the hands of another repronim', { hint: 'try again' });
  const text = existsSync(file) ? await readFile(file, 'utf8') : '';
  const edited = change(text, file);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeWhole(file, edited);
}
