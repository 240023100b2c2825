import { normalizeName } from './metadata.ts';
import { satisfiesVersion } from './version.ts';

/** What is asked of an installer, without what it depends on (PEP 508). */
export interface Requirement {
  /** Normalised (PEP 503). */
  readonly name: string;
  /** As it was written. */
  readonly written: string;
  readonly extras: readonly string[];
  /** `>=5,<6`; empty for any version. */
  readonly specifier: string;
  readonly marker?: string;
}

const clausePattern = /^(?:===|==|!=|~=|<=|>=|<|>)\s*[\w.!+*-]+$/;

/** A requirement; undefined where it is none, or one by address. */
export function parseRequirement(text: string): Requirement | undefined {
  if (text.length > 2048) return undefined;
  const [, name, extras, open, rest = ''] =
    /^\s*([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(\()?([^]*)$/.exec(text) ?? [];
  if (name === undefined || rest.trimStart().startsWith('@')) return undefined;
  const semicolon = rest.indexOf(';');
  const head = semicolon === -1 ? rest : rest.slice(0, semicolon);
  const specifier = (open === undefined ? head : head.replace(/\)\s*$/, '')).trim();
  if (specifier !== '' && !specifier.split(',').every((clause) => clausePattern.test(clause.trim()))) return undefined;
  return {
    name: normalizeName(name),
    written: name,
    extras: (extras ?? '')
      .split(',')
      .map((extra) => extra.trim())
      .filter((extra) => extra !== ''),
    specifier: specifier.replaceAll(/\s+/g, ''),
    ...(semicolon === -1 ? {} : { marker: rest.slice(semicolon + 1).trim() }),
  };
}

export function satisfies(requirement: Requirement, version: string): boolean {
  return satisfiesVersion(version, requirement.specifier);
}
