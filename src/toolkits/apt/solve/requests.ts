import { UserError } from '../../../model/index.ts';
import { parseWish, type PackageWish } from '../names.ts';
import type { AptPackage, AptSpec } from '../spec.ts';
import { compareVersions, satisfies } from '../version.ts';
import { nearName, providersOf, type Offered } from './catalogue.ts';
import type { ReadIndex } from './read-indices.ts';
import type { Scratch } from './scratch.ts';

/** What the spec lists, read. */
export function wishesOf(spec: AptSpec): readonly PackageWish[] {
  return (spec.packages ?? []).flatMap((text) => parseWish(text) ?? []);
}

/** Whether a version is one that a wish would take. */
export function wishFits({ relation, version }: PackageWish, offered: string): boolean {
  return relation === undefined || version === undefined || satisfies(offered, relation, version);
}

/**
 * The words for apt-get that stand for the wishes: a version is chosen where one is asked for. All faults at once, each
 * with what was probably meant.
 */
export async function requestsFor(
  wishes: readonly PackageWish[],
  offers: ReadonlyMap<string, readonly Offered[]>,
  held: readonly AptPackage[],
  native: string,
  indices: readonly ReadIndex[],
  scratch: Scratch,
): Promise<readonly string[]> {
  const faults: string[] = [];
  const vague = wishes.filter(({ relation }) => relation !== undefined && relation !== '=');
  const policies = vague.length === 0 ? new Map<string, Policy>() : await askPolicies(vague.map(word), scratch);
  const requests = wishes.flatMap((wish): string[] => {
    const isMeant = ({ architecture }: { readonly architecture: string }) =>
      [wish.architecture ?? native, 'all'].includes(architecture);
    const found = (offers.get(wish.name) ?? []).filter(({ offer }) => isMeant(offer));
    const staying = held.find((one) => one.name === wish.name && isMeant(one));
    // it fits, or it would not stay; the lists may have it no more
    if (staying !== undefined) return [wish.relation === undefined ? word(wish) : `${word(wish)}=${staying.version}`];
    const fitting = found.filter(({ offer }) => wishFits(wish, offer.version));
    if (found.length === 0) {
      const fault = notThere(wish, offers, indices);
      if (fault === undefined) return [wish.name]; // a virtual package that one package alone provides
      faults.push(fault);
      return [];
    }
    if (fitting.length === 0) {
      faults.push(noVersion(wish, found));
      return [];
    }
    if (wish.relation === undefined) return [word(wish)];
    if (wish.relation === '=') return [`${word(wish)}=${wish.version ?? ''}`];
    return [`${word(wish)}=${choose(wish, fitting, policies.get(word(wish)))}`];
  });
  if (faults.length === 0) return requests;
  throw new UserError(faults[0] ?? '', { status: 2, details: faults.slice(1) });
}

/** `name`, or `name:architecture`. */
function word({ name, architecture }: PackageWish): string {
  return architecture === undefined || architecture === 'all' ? name : `${name}:${architecture}`;
}

function notThere(
  { name, architecture }: PackageWish,
  offers: ReadonlyMap<string, readonly Offered[]>,
  indices: readonly ReadIndex[],
): string | undefined {
  const places = placesOf(indices);
  const others = [...new Set((offers.get(name) ?? []).map(({ offer }) => offer.architecture))];
  if (others.length > 0) {
    return `package ${name} is not for ${architecture ?? 'this architecture'} in ${places}, but for ${others.join(', ')}`;
  }
  const providers = providersOf(name, indices);
  if (providers.length === 1) return undefined;
  if (providers.length > 1) {
    return `${name} is not one package but what several provide; name one of them: ${someOf(providers)}`;
  }
  const meant = nearName(name, indices);
  return `no package ${name} in ${places}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function noVersion({ name, relation, version }: PackageWish, found: readonly Offered[]): string {
  const versions = [...new Set(found.map(({ offer }) => offer.version))].toSorted((a, b) => compareVersions(b, a));
  const asked = relation === '=' ? (version ?? '') : `${relation ?? ''} ${version ?? ''}`;
  return `no version ${asked} of ${name}; there is ${someOf(versions)} (the snapshot services have older ones: add such a source)`;
}

function placesOf(indices: readonly ReadIndex[]): string {
  return someOf([...new Set(indices.map(({ entry }) => entry.suite))]);
}

function someOf(list: readonly string[]): string {
  return list.length <= 6 ? list.join(', ') : `${list.slice(0, 6).join(', ')} and ${list.length - 6} more`;
}

/** apt's candidate, and its priority for each version. */
interface Policy {
  readonly candidate: string | undefined;
  readonly priorities: ReadonlyMap<string, number>;
}

/** What apt would install by itself where that fits; else the version that it likes best, and the newest of these. */
function choose(wish: PackageWish, fitting: readonly Offered[], policy: Policy | undefined): string {
  const { candidate } = policy ?? {};
  if (candidate !== undefined && wishFits(wish, candidate)) return candidate;
  const priority = (version: string) => policy?.priorities.get(version) ?? 0;
  const versions = [...new Set(fitting.map(({ offer }) => offer.version))];
  return versions.toSorted((a, b) => priority(b) - priority(a) || compareVersions(b, a))[0] ?? '';
}

/** Reads `apt-cache policy` (apt-cache(8)): paragraphs of one package each, versions with their priorities. */
async function askPolicies(names: readonly string[], scratch: Scratch): Promise<ReadonlyMap<string, Policy>> {
  const { stdout } = await scratch.run(['apt-cache', 'policy', '--'], names);
  const policies = new Map<string, Policy>();
  for (const part of stdout.toString('utf8').split(/^(?=\S)/m)) {
    const name = /^(\S+):\n/.exec(part)?.[1];
    if (name === undefined) continue;
    const candidate = /^ {2}Candidate: (\S+)$/m.exec(part)?.[1];
    const priorities = new Map<string, number>();
    for (const [, version = '', priority = ''] of part.matchAll(/^ (?:\*\*\*| {3}) (\S+) (-?\d+)$/gm)) {
      priorities.set(version, Number(priority));
    }
    policies.set(name, { candidate: candidate === '(none)' ? undefined : candidate, priorities });
  }
  return policies;
}
