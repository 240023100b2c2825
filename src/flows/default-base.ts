import { distributionId, UserError, type DistributionSpec, type Spec } from '../model/index.ts';
import type { AnyDistribution, Need } from '../contract/index.ts';
import { near } from '../formats/near.ts';
import { contextOf, type House } from './house.ts';
import { pluginFor } from './nested.ts';

/**
 * A spec that can stand: one of overlays only gets a base that supplies what they need, not resolved yet. Which one,
 * says `base` in `[defaults]` of the settings; else it is what this machine is, else the first of the registry.
 */
export async function withBase(spec: Spec, house: House): Promise<Spec> {
  if (spec.distributions.length === 0) return spec;
  const plugins = spec.distributions.map((entry) => pluginFor(entry, house.distributions));
  if (plugins.some((plugin) => plugin === undefined || plugin.bootstrap !== undefined)) return spec;
  const needs = spec.distributions.flatMap((entry, index) => plugins[index]?.needs?.(entry) ?? []);
  const base = await chooseBase(needs, house);
  if (base === undefined) return spec;
  const taken = new Set(spec.distributions.map(distributionId));
  const entry: DistributionSpec = taken.has(base.type) ? { ...base, id: `${base.type}-base` } : base;
  return { ...spec, distributions: [entry, ...spec.distributions] };
}

/** The entry that `withBase` has added, if any. */
export function addedBase(before: Spec, after: Spec): DistributionSpec | undefined {
  return after.distributions.length > before.distributions.length ? after.distributions[0] : undefined;
}

/** What was added, and why, for people: `debian bookworm with python3, as the base of what else is in it`. */
export function baseReason(entry: DistributionSpec): string {
  const {
    type,
    release,
    packages = [],
  } = entry as DistributionSpec & {
    readonly release?: string;
    readonly packages?: readonly string[];
  };
  const name = [type, release].filter((word) => word !== undefined).join(' ');
  return `${name}${packages.length === 0 ? '' : ` with ${packages.join(', ')}`}, by default: the spec names no base`;
}

async function chooseBase(needs: readonly Need[], house: House): Promise<DistributionSpec | undefined> {
  const able = house.distributions.filter(({ asBase }) => asBase !== undefined);
  const { base: wished } = house.settings('defaults');
  const context = contextOf(house);
  if (wished !== undefined) {
    const plugin = named(textOf(wished), able);
    const offer = await plugin.asBase?.(needs, context);
    if (offer !== undefined) return offer.spec;
    throw new UserError(`[defaults] base = "${plugin.type}": nothing says which ${plugin.title} that is`, {
      status: 2,
      hint: `say "release" and "sources" in [${plugin.type}] of the settings`,
    });
  }
  const offers = await Promise.all(able.map(async (plugin) => await plugin.asBase?.(needs, context)));
  const had = offers.filter((offer) => offer !== undefined);
  return (had.find(({ own }) => own) ?? had[0])?.spec;
}

function named(type: string, able: readonly AnyDistribution[]): AnyDistribution {
  const found = able.find((plugin) => plugin.type === type);
  if (found !== undefined) return found;
  const known = able.map((plugin) => plugin.type as string);
  const meant = near(type, known);
  throw new UserError(`[defaults] base = "${type}": that is no distribution which can stand alone`, {
    status: 2,
    hint: `${meant === undefined ? '' : `did you mean ${meant}? `}known: ${known.join(', ')}`,
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
