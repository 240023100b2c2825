import type { GenericSchema } from 'valibot';

import type { AnyDistribution } from '../../contract/index.ts';
import { byBytes, distributionId, runId, type Spec } from '../../model/index.ts';
import {
  customizeSchema,
  environmentSchema,
  filesLockSchema,
  hostSchema,
  lockSchema,
  runLockSchema,
  runSchema,
  topSchema,
} from './schema.ts';
import { shapeOf } from './shape.ts';

/** A value of a spec that can be written: no undefined members, keys in the order in which they are written. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };

/**
 * A spec with every key in its place: in the order of its schema where that knows it, else after those, by bytes; maps
 * that are keyed by data, by bytes. Lists stay as they are: their order is the writer's.
 */
export function ordered(spec: Spec, distributions: readonly AnyDistribution[]): { readonly [key: string]: Plain } {
  const byType = new Map(distributions.map((plugin) => [plugin.type as string, plugin]));
  const top = order(spec, topSchema);
  const typeOf = new Map(spec.distributions.map((entry) => [distributionId(entry), entry.type]));
  return mapValues(top, (key, value) => {
    if (key === 'runs') return (value as readonly Plain[]).map((run) => order(run, runSchema));
    if (key === 'environment') return order(value, environmentSchema);
    if (key === 'distributions') {
      return spec.distributions.map((entry) => typeFirst(order(entry, byType.get(entry.type)?.schema)));
    }
    if (key === 'customize') return order(value, customizeSchema);
    if (key !== 'lock') return value;
    return mapValues(order(value, lockSchema), (part, inner) => {
      if (part === 'distributions') {
        return mapValues(inOrderOf(inner, typeOf.keys()), (id, lock) =>
          order(lock, byType.get(typeOf.get(id) ?? '')?.lockSchema),
        );
      }
      if (part === 'runs') {
        const ids = (spec.runs ?? []).map(runId);
        return mapValues(inOrderOf(inner, ids), (_, lock) => order(lock, runLockSchema));
      }
      if (part === 'files') return order(inner, filesLockSchema);
      return part === 'host' ? order(inner, hostSchema) : inner;
    });
  });
}

function order(value: unknown, schema: GenericSchema | undefined): Plain {
  if (Array.isArray(value)) {
    const item = schema === undefined ? undefined : shapeOf(schema).item;
    return value.map((one) => order(one, item));
  }
  if (typeof value !== 'object' || value === null) return value as Plain;
  const shape = schema === undefined ? {} : shapeOf(schema);
  const members = value as Readonly<Record<string, unknown>>;
  const known = [...(shape.entries?.keys() ?? [])];
  const present = Object.keys(members).filter((key) => members[key] !== undefined);
  const keys = [
    ...known.filter((key) => Object.hasOwn(members, key) && members[key] !== undefined),
    ...present.filter((key) => shape.entries?.has(key) !== true).toSorted(byBytes),
  ];
  return Object.fromEntries(
    keys.map((key) => [key, order(members[key], shape.entries === undefined ? shape.value : shape.entries.get(key))]),
  );
}

/** What every distribution has comes first, whatever the order of the plug-in's schema. */
function typeFirst(entry: Plain): Plain {
  const { type, id, base, ...others } = entry as { readonly [key: string]: Plain };
  const first = Object.entries({ type, id, base }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(first as [string, Plain][]), ...others };
}

/** Locks come in the order of the entries above. */
function inOrderOf(value: Plain, ids: Iterable<string>): Plain {
  const members = value as { readonly [key: string]: Plain };
  const first = [...ids].filter((id) => Object.hasOwn(members, id));
  return Object.fromEntries([...first, ...Object.keys(members)].map((id) => [id, members[id] as Plain]));
}

function mapValues(value: Plain, change: (key: string, value: Plain) => Plain): { readonly [key: string]: Plain } {
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(key, member as Plain)]));
}
