import type { Source } from '../contract/index.ts';
import type { Spec } from '../model/index.ts';
import { createContextOf, withWork } from './create-context.ts';
import type { House } from './house.ts';
import { partsOf } from './plan.ts';

/** Where one package, or another piece of content, can be had. */
export interface Places {
  /** Of the distribution. */
  readonly id: string;
  /** As a person names it: a package and its version. */
  readonly what: string;
  readonly size: number;
  readonly sha256: string;
  /** Addresses in the order in which they are asked (`most`: that many). Empty where only the store or a bundle has it. */
  readonly urls: readonly string[];
  /** Whether it is in the store already. */
  readonly stored: boolean;
}

/**
 * Where the content of an exact spec can be had, each in the order in which `create` would ask; nothing is fetched but
 * what a source has to be asked for its own addresses. `packages`: only what these words name; by default everything.
 */
export async function urlsOf(
  spec: Spec,
  { packages, most }: { readonly packages: readonly string[]; readonly most: number },
  house: House,
): Promise<readonly Places[]> {
  return await withWork(house, async (work) => {
    const context = createContextOf(house, work, false);
    const found = partsOf(spec, house.distributions).map(async ({ id, plugin, spec: entry, lock }) => {
      const wanted = await plugin.wanted(entry, lock, context);
      const asked = wanted.filter(
        ({ what }) => packages.length === 0 || packages.some((word) => isNamed(word, id, what)),
      );
      return await Promise.all(
        asked.map(async ({ what, size, sha256, sources }): Promise<Places> => {
          const stored = (await house.store.find(sha256)) !== undefined;
          return { id, what, size, sha256, urls: await firstUrls(sources(), most), stored };
        }),
      );
    });
    return (await Promise.all(found)).flat();
  });
}

/** A snapshot service is asked only where one gets so far. */
async function firstUrls(sources: AsyncIterable<Source>, most: number): Promise<readonly string[]> {
  const urls = new Set<string>();
  for await (const { url } of sources) {
    if (url !== undefined) urls.add(url);
    if (urls.size >= most) break;
  }
  return [...urls];
}

/** `jq`, `jq 1.6`, `debian:jq`: the beginning of what it is called, up to a space. */
function isNamed(word: string, id: string, what: string): boolean {
  const plain = folded(word.startsWith(`${id}:`) ? word.slice(id.length + 1) : word);
  return folded(what) === plain || folded(what).startsWith(`${plain} `);
}

/** As people write names: `markupsafe` is MarkupSafe, `typing_extensions` is typing-extensions. */
function folded(text: string): string {
  return text.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
