import type { Context } from '../../contract/index.ts';
import { baseArchitecture } from './read/repositories.ts';
import type { RpmSpec } from './spec.ts';

/**
 * The addresses of the settings' `archives` where a repository may still be had: a list, or a table of the
 * repositories' names. `{vendor}`, `{release}`, `{repository}` and `{architecture}` stand for those of the entry.
 */
export function archivesOf(spec: RpmSpec, repository: string, { settings }: Pick<Context, 'settings'>): string[] {
  const given = settings(spec.type)['archives'];
  const isTable = typeof given === 'object' && given !== null && !Array.isArray(given);
  const meant = isTable ? (given as Readonly<Record<string, unknown>>)[repository] : given;
  const list: readonly unknown[] = Array.isArray(meant) ? meant : [meant];
  return list.flatMap((address) => filled(address, spec, repository) ?? []);
}

/** An address with its words in braces replaced; undefined where it is none. */
export function filled(address: unknown, spec: RpmSpec, repository: string): string | undefined {
  if (typeof address !== 'string' || !/^https?:\/\//.test(address)) return undefined;
  const values: Readonly<Record<string, string>> = {
    release: spec.release ?? '',
    repository,
    architecture: baseArchitecture(spec.architecture ?? ''),
    vendor: spec.vendor ?? spec.type,
  };
  return address.replaceAll(/\{(\w+)\}/g, (whole, name: string) => encodeURIComponent(values[name] ?? whole));
}
