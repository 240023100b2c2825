import { satisfies } from './version.ts';

/** One package that a relationship field names. */
export interface Relation {
  readonly name: string;
  /** `any`, `native` or an architecture, as it is after the colon. */
  readonly qualifier?: string;
  readonly operator?: string;
  readonly version?: string;
}

/**
 * Reads a relationship field of an installed or offered package (Depends, Pre-Depends, Provides …; Debian Policy
 * §7.1): a list of groups of which one member each is needed. What can't be read is left out.
 */
export function parseRelations(field: string): readonly (readonly Relation[])[] {
  const groups: Relation[][] = [];
  for (const group of field.split(',')) {
    const members = group
      .split('|')
      .map(parseRelation)
      .filter((member) => member !== undefined);
    if (members.length > 0) groups.push(members);
  }
  return groups;
}

/** Whether a version satisfies what a relation asks of it. */
export function versionFits(relation: Relation, version: string | undefined): boolean {
  if (relation.operator === undefined || relation.version === undefined) return true;
  // an unversioned Provides satisfies no versioned dependency (Policy §7.5)
  return version !== undefined && satisfies(version, relation.operator, relation.version);
}

const pattern = /^([A-Za-z0-9][A-Za-z0-9+._-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|>>|>=|=|<|>)\s*([^\s)]+)\s*\))?/;

function parseRelation(text: string): Relation | undefined {
  const found = pattern.exec(text.trim());
  if (found === null) return undefined;
  const [, name = '', qualifier, operator, version] = found;
  return {
    name,
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(operator === undefined || version === undefined ? {} : { operator, version }),
  };
}
