import { parse, stringify } from 'smol-toml';
import * as v from 'valibot';

import { text } from '../contract/schema.ts';
import { byBytes, UserError } from '../model/index.ts';
import { looksSecret } from './spec/secrets.ts';

/** A place with its settings, as the configuration and profiles have it. */
export interface Profile {
  readonly name: string;
  readonly backend: string;
  /** Parameters of the backend. */
  readonly set: Readonly<Record<string, string>>;
}

const resourceName = /^[a-z][a-z0-9-]{0,62}$/;
const scalar = v.pipe(
  v.union([v.string(), v.number(), v.boolean()], 'expected a text, a number, true or false'),
  v.transform(String),
);
const tableSchema = v.record(
  v.pipe(v.string(), v.regex(resourceName, 'expected a small letter, then letters, digits and -')),
  v.strictObject({ backend: text, set: v.optional(v.record(v.string(), scalar), {}) }),
);

/** The resources of a table of settings, sorted by name. Throws UserError 2 that names what is wrong, and where. */
export function readProfiles(table: unknown, where: string): readonly Profile[] {
  const read = v.safeParse(tableSchema, table);
  if (!read.success) {
    const [issue] = read.issues;
    const path = ['resources', ...(issue.path ?? []).map(({ key }) => String(key))].join('.');
    throw new UserError(`${where}: ${path}: ${issue.message}`, { status: 2 });
  }
  return Object.entries(read.output)
    .map(([name, { backend, set }]) => ({ name, backend, set }))
    .toSorted((a, b) => byBytes(a.name, b.name));
}

/** Profiles of a file that is passed on, TOML or JSON. Throws UserError 2. */
export function parseProfiles(content: string, file: string): readonly Profile[] {
  let value: { readonly resources?: unknown };
  try {
    value = (content.trimStart().startsWith('{') ? JSON.parse(content) : parse(content)) as typeof value;
  } catch (error) {
    const [because = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
    throw new UserError(`${file}: ${because}`, { status: 2 });
  }
  const profiles = value?.resources === undefined ? [] : readProfiles(value.resources, file);
  if (profiles.length === 0) throw new UserError(`${file} has no resources`, { status: 2 });
  return profiles;
}

/** The text of such a file. */
export function writeProfiles(profiles: readonly Profile[], form: 'toml' | 'json'): string {
  const resources = Object.fromEntries(profiles.map((profile) => [profile.name, tableOf(profile)]));
  return form === 'json' ? `${JSON.stringify({ resources }, null, 1)}\n` : stringify({ resources });
}

/** As the settings have it. */
export function tableOf({ backend, set }: Profile): Readonly<Record<string, unknown>> {
  return { backend, ...(Object.keys(set).length === 0 ? {} : { set }) };
}

/** Throws UserError 2 where a setting looks like a secret: none is written down. */
export function refuseSecrets({ name, set }: Profile): void {
  const [found] = Object.entries(set).find(([key, value]) => looksSecret(key, value)) ?? [];
  if (found === undefined) return;
  throw new UserError(`${name}: ${found} looks like a secret, and none is kept`, {
    status: 2,
    hint: "leave it to the backend's own settings (ssh's config, docker's contexts), or give it when it is needed: --set",
  });
}
