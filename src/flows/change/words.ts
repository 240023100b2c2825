import { distributionId, UserError, type DistributionSpec, type Spec } from '../../model/index.ts';
import { pluginFor } from '../nested.ts';
import type { AnyDistribution, Edit } from '../../contract/index.ts';

/** What shall be done, in the words of a person: `jq`, `debian:jq`, `venv:nilearn==0.10.4`. */
export interface Asked {
  readonly do: 'install' | 'uninstall' | 'upgrade';
  /** Empty only of `upgrade`: everything. */
  readonly words: readonly string[];
}

/** One distribution that is to be changed, and how. */
export interface Target {
  readonly id: string;
  readonly entry: DistributionSpec;
  readonly plugin: AnyDistribution;
  readonly edit: Edit;
  /** What of it moves to a newer version; `true`: everything. */
  readonly renew: true | readonly string[];
}

/** Whose packages are meant. Throws UserError 2 where that is not clear, 4 where the distribution can't be changed in place. */
export function targetsOf(asked: Asked, spec: Spec, distributions: readonly AnyDistribution[]): readonly Target[] {
  const known = spec.distributions.map((entry) => {
    const plugin = pluginFor(entry, distributions);
    if (plugin === undefined) throw new UserError(`unknown distribution "${entry.type}"`, { status: 2 });
    return { id: distributionId(entry), entry, plugin };
  });
  if (asked.words.length === 0) {
    const able = known.filter(({ plugin }) => isAble(plugin));
    if (able.length === 0) throw cannot(known[0], asked, known);
    return able.map((one) => ({ ...one, edit: { upgrade: true }, renew: true }));
  }
  const words = new Map<(typeof known)[number], string[]>();
  for (const word of asked.words) {
    const { of, rest } = ownerOf(word, known, asked);
    words.set(of, [...(words.get(of) ?? []), rest]);
  }
  return [...words].map(([one, mine]) => {
    if (!isAble(one.plugin)) throw cannot(one, asked, known);
    const everything = asked.do === 'upgrade' && mine.includes('');
    const edit = { [asked.do]: everything ? true : mine } as Edit;
    return { ...one, edit, renew: asked.do === 'upgrade' ? (everything ? true : mine) : [] };
  });
}

type Known = Pick<Target, 'id' | 'entry' | 'plugin'>;

function ownerOf(word: string, known: readonly Known[], asked: Asked): { readonly of: Known; readonly rest: string } {
  const at = word.indexOf(':');
  const prefix = at === -1 ? undefined : word.slice(0, at);
  const rest = word.slice(at + 1);
  const byId = known.find(({ id }) => id === prefix);
  if (byId !== undefined) return { of: byId, rest };
  const byType = known.filter(({ entry }) => entry.type === prefix);
  const [only] = byType;
  if (only !== undefined && byType.length === 1) return { of: only, rest };
  if (byType.length > 1) {
    throw new UserError(`${prefix ?? ''} comes more than once`, {
      status: 2,
      hint: `say which: ${byType.map(({ id }) => `${id}:${rest}`).join(', ')}`,
    });
  }
  const able = known.filter(({ plugin }) => isAble(plugin));
  const [one] = able;
  if (one === undefined) throw cannot(known[0], asked, known);
  if (able.length > 1) {
    throw new UserError(`whose package is ${word}?`, {
      status: 2,
      hint: `say which: ${able.map(({ id }) => `${id}:${word}`).join(', ')}`,
    });
  }
  return { of: one, rest: word };
}

function isAble({ edit, change, resolve }: AnyDistribution): boolean {
  return edit !== undefined && change !== undefined && resolve !== undefined;
}

const done = { install: 'installed into', uninstall: 'uninstalled from', upgrade: 'upgraded in' } as const;

function cannot(one: Known | undefined, asked: Asked, known: readonly Known[]): UserError {
  const able = known.filter(({ plugin }) => isAble(plugin)).map(({ id }) => id);
  const what = one === undefined ? 'it' : `${one.id} (${one.plugin.title})`;
  return new UserError(`nothing can be ${done[asked.do]} ${what} where it is`, {
    status: 4,
    hint:
      able.length === 0
        ? 'change the spec, and create another environment from it'
        : `${asked.do} works for ${able.join(', ')}; else change the spec, and create another environment from it`,
  });
}
