import type { Root } from '../../src/contract/index.ts';
import { volatileMatcher, volatilePaths, type Entry, type VolatilePath } from '../../src/model/index.ts';

/** What differs between two trees, a line each: for the message of a test whose fingerprints are not equal. */
export async function differences(a: Root, b: Root, volatile: readonly VolatilePath[]): Promise<string[]> {
  const matcher = volatileMatcher([...volatilePaths, ...volatile]);
  const [left, right] = [await entriesOf(a, matcher), await entriesOf(b, matcher)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .sort()
    .filter((path) => left.get(path) !== right.get(path))
    .map((path) => `${path}: ${left.get(path) ?? '(nothing)'} | ${right.get(path) ?? '(nothing)'}`);
}

async function entriesOf(root: Root, matcher: ReturnType<typeof volatileMatcher>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const entry of root.scan({ except: matcher.except })) {
    if (!matcher.matches(entry.path)) found.set(entry.path, describe(entry));
  }
  return found;
}

function describe({ type, mode, uid, gid, sha256, target }: Entry): string {
  return `${type} ${mode.toString(8)} ${uid}:${gid} ${sha256?.slice(0, 12) ?? target ?? ''}`;
}
