import type { GenericSchema } from 'valibot';

import { near } from '../near.ts';
import { shown } from './fault.ts';
import { shapeOf } from './shape.ts';
import type { MapNode, Node, ScalarNode } from './tree.ts';

/** A key that no schema knows; `meant` is the known one that it probably should be. */
export interface UnknownKey {
  readonly node: ScalarNode;
  readonly meant?: string;
  readonly message: string;
  readonly hint?: string;
}

/**
 * Unknown keys of a node and all below it. The same key at the same place of several list items is told once, with how
 * often it comes.
 */
export function findUnknownKeys(node: Node, schema: GenericSchema, what: string): readonly UnknownKey[] {
  const found = new Map<string, { node: ScalarNode; schema: GenericSchema; parent: MapNode; times: number }>();
  const visit = (at: Node, by: GenericSchema, where: string): void => {
    const shape = shapeOf(by);
    if (at.kind === 'list' && shape.item !== undefined) {
      for (const item of at.items) visit(item, shape.item, `${where}[]`);
    }
    if (at.kind !== 'map') return;
    for (const { key, value } of at.pairs) {
      const below = shape.entries === undefined ? shape.value : shape.entries.get(key.value);
      const place = `${where}.${key.value}`;
      if (below !== undefined) {
        visit(value, below, shape.entries === undefined ? `${where}.*` : place);
        continue;
      }
      if (shape.entries === undefined) continue; // a value that the schema does not look into
      const seen = found.get(place);
      if (seen === undefined) found.set(place, { node: key, schema: by, parent: at, times: 1 });
      else seen.times += 1;
    }
  };
  visit(node, schema, '');
  return [...found.values()].map(({ node: key, schema: by, parent, times }) => {
    const taken = new Set(parent.pairs.map((pair) => pair.key.value));
    const known = [...(shapeOf(by).entries?.keys() ?? [])];
    const meant = near(
      key.value,
      known.filter((candidate) => !taken.has(candidate)),
    );
    const often = times > 1 ? `, and ${times - 1} more of it` : '';
    if (meant === undefined)
      return { node: key, message: `unknown key ${shown(key.value)} of ${what} is kept as it is${often}` };
    return {
      node: key,
      meant,
      message: `unknown key ${shown(key.value)} of ${what}${often}`,
      hint: `did you mean ${meant}? known: ${known.join(', ')}`,
    };
  });
}
