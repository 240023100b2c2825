import type { GenericSchema } from 'valibot';

/** What a schema says about the inside of a value: which keys it knows, and what is below them. */
export interface Shape {
  /** Of a map with known keys, in the schema's order. */
  readonly entries?: ReadonlyMap<string, GenericSchema>;
  /** Whether an entry must be there. */
  readonly required?: ReadonlySet<string>;
  /** Of a list. */
  readonly item?: GenericSchema;
  /** Of a map with any keys. */
  readonly value?: GenericSchema;
}

/** What valibot's schema objects hold, of what is looked at here. */
interface Inside {
  readonly type?: string;
  readonly entries?: Readonly<Record<string, GenericSchema>>;
  readonly item?: GenericSchema;
  readonly value?: GenericSchema;
  readonly wrapped?: GenericSchema;
  readonly options?: readonly GenericSchema[];
  readonly getter?: (input: unknown) => GenericSchema;
}

const shapes = new WeakMap<GenericSchema, Shape>();

/** Of a union, the shapes of all its options together. */
export function shapeOf(schema: GenericSchema): Shape {
  const known = shapes.get(schema);
  if (known !== undefined) return known;
  const shape = makeShape(schema);
  shapes.set(schema, shape);
  return shape;
}

function makeShape(inside: Inside): Shape {
  if (inside.wrapped !== undefined) return shapeOf(inside.wrapped);
  if (inside.type === 'lazy' && inside.getter !== undefined) return shapeOf(inside.getter(undefined));
  if (inside.entries !== undefined) return shapeOfEntries(inside.entries);
  if (inside.item !== undefined) return { item: inside.item };
  if (inside.type === 'record' && inside.value !== undefined) return { value: inside.value };
  return mergeShapes((inside.options ?? []).filter((option) => typeof option === 'object').map(shapeOf));
}

function shapeOfEntries(entries: Readonly<Record<string, GenericSchema>>): Shape {
  const list = Object.entries(entries);
  const optional = /^(?:optional|exact_optional|nullish|undefinedable)$/;
  const required = list.filter(([, schema]) => !optional.test((schema as Inside).type ?? '')).map(([key]) => key);
  return { entries: new Map(list), required: new Set(required) };
}

function mergeShapes(all: readonly Shape[]): Shape {
  const entries = new Map<string, GenericSchema>();
  for (const shape of all) {
    for (const [key, schema] of shape.entries ?? []) if (!entries.has(key)) entries.set(key, schema);
  }
  const merged: Shape = Object.assign({}, ...all.toReversed());
  return entries.size === 0 ? merged : { ...merged, entries };
}
