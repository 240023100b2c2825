import type { Node } from '../spec/tree.ts';
import { BundleDamage } from './frame.ts';

/** What a spec's text names by digest: what its bundle may hold. */
export interface NamedContents {
  /** Throws BundleDamage for content that is not named, not of the size that the spec says, or a bomb. */
  check(sha256: string, size: number, so: { readonly read: number; readonly compressed: number }): void;
}

/** Of content whose size the spec does not say: each at most this large (patches, bundles of commits, keys). */
const largestUnsaid = 8 * 1024 ** 3;
/** And all together at most so many times as large as the file, beyond an allowance. */
const widestRatio = 200;
const allowance = 64 * 1024 ** 2;

/** Collects the digests of a spec and the sizes that stand beside them. */
export function namedContents(root: Node, text: string): NamedContents {
  const named = new Set(text.match(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g));
  const sizes = new Map<string, number>();
  collectSizes(root, sizes);
  let unsaid = 0;
  return {
    check(sha256, size, so) {
      if (!named.has(sha256)) throw new BundleDamage('its spec does not name it');
      const said = sizes.get(sha256);
      if (said !== undefined) {
        if (said !== size) throw new BundleDamage(`its size is ${size}, its spec says ${said}`);
        return;
      }
      unsaid += size;
      if (size > largestUnsaid) throw new BundleDamage('too large for something whose size the spec does not say');
      if (unsaid > allowance + widestRatio * so.compressed) {
        throw new BundleDamage('the archive says that it holds far more than can be in it');
      }
    },
  };
}

function collectSizes(node: Node, sizes: Map<string, number>): void {
  if (node.kind === 'list') for (const item of node.items) collectSizes(item, sizes);
  if (node.kind !== 'map') return;
  let sha256: string | undefined;
  let size: number | undefined;
  for (const { key, value } of node.pairs) {
    if (value.kind !== 'scalar') collectSizes(value, sizes);
    else if (key.value === 'sha256') sha256 = value.value;
    else if (key.value === 'size' && /^[0-9]{1,15}$/.test(value.value)) size = Number(value.value);
  }
  if (sha256 !== undefined && size !== undefined) sizes.set(sha256, size);
}
