import { UserError } from '../../../model/index.ts';

/** Why apt found nothing, for somebody who has never heard of it; and the packages that it speaks of. */
export interface Explanation {
  readonly lines: readonly string[];
  /** Names, without architectures. */
  readonly packages: ReadonlySet<string>;
}

const relations: Readonly<Record<string, string>> = {
  Depends: 'needs',
  PreDepends: 'needs',
  'Pre-Depends': 'needs',
  Recommends: 'recommends',
  Conflicts: 'cannot be with',
  Breaks: 'cannot be with',
};

/** Reads what apt-get says of unmet dependencies: ` a : Depends: b (>= 2) but 1 is to be installed`, one a line. */
export function explain(said: string): Explanation {
  const lines: string[] = [];
  const packages = new Set<string>();
  let subject = '';
  for (const line of said.split('\n')) {
    const found = /^ (?:(\S+) :|\s+) (\w[\w-]*): (\S+)(?: \(([^)]*)\))?(.*)$/.exec(line);
    if (found === null) continue;
    const [, named, kind = '', other = '', version, rest = ''] = found;
    if (named !== undefined) subject = named;
    const verb = relations[kind];
    if (verb === undefined) continue;
    for (const name of [subject, other]) packages.add(name.replace(/:[a-z0-9-]+$/, ''));
    const wanted = version === undefined ? other : `${other} ${version}`;
    lines.push(`${subject} ${verb} ${wanted}${because(rest, verb)}`);
  }
  return { lines, packages };
}

/** What to throw where apt found no set of packages. */
export function unsatisfiable(explanation: Explanation, said: string): UserError {
  const { lines } = explanation;
  const own = said.split('\n').filter((line) => line.startsWith('E: '));
  const known = /held broken packages|Unable to locate|was not found|no installation candidate|virtual package/i;
  if (lines.length === 0 && !own.some((line) => known.test(line))) {
    return new UserError("apt's solver could not be used", { details: own.map((line) => line.slice(3)) });
  }
  return new UserError('these packages cannot be installed together', {
    status: 2,
    details: lines.length > 0 ? lines : own.map((line) => line.slice(3)),
    hint: 'ask for other versions, or let repronim choose them (a name alone); or add the source that has what is missing',
  });
}

function because(rest: string, verb: string): string {
  const found = /but (\S+) is (?:to be )?installed/.exec(rest)?.[1];
  if (verb === 'cannot be with') return found === undefined ? '' : `, and ${found} would be there`;
  if (found !== undefined) return `, but ${found} would be there`;
  if (/not installable/.test(rest)) return ', which no source has';
  if (/not going to be installed/.test(rest)) return ', which does not go with the others';
  if (/virtual package/.test(rest)) return ', which no package provides';
  return '';
}
