import { UserError } from '../../model/index.ts';
import { nameOf } from './history.ts';
import { loadRattler } from './rattler.ts';
import type { CondaPackage } from './spec.ts';

/** What a match spec asks, as far as a locked package can be held against it. */
export interface Wish {
  readonly name: string;
  /** As the solver takes it. */
  readonly word: string;
  /** `==1.2`, `>=1,<2`; empty for any version. */
  readonly version: string;
  readonly build?: string;
}

/**
 * A match spec of a person's: `numpy`, `numpy>=1.26,<2`, `numpy=1.26`, `numpy 1.26.* py311*`,
 * `numpy[version=">=1.26",build="py311*"]`. Channels stand in the entry, not here. Throws UserError 2 for others.
 * See https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html#package-match-specifications.
 */
export function parseWish(word: string): Wish {
  const trimmed = word.trim();
  const bracket = /^([A-Za-z0-9_][A-Za-z0-9_.-]*)\s*\[([^\][]*)\]$/.exec(trimmed);
  const plain = /^([A-Za-z0-9_][A-Za-z0-9_.-]*?)\s*((?:[=<>!~ ][\w.*=<>!~,| +-]*)?)$/.exec(trimmed);
  const name = nameOf(trimmed);
  if (name !== undefined && word.length <= 500 && !/[:/\\\n\0]/.test(word)) {
    if (bracket !== null) {
      const fields = [...(bracket[2] ?? '').matchAll(/\s*(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^,"'\s]+))\s*(?:,|$)/g)];
      const known = new Map(fields.map(([, key = '', a, b, c]) => [key, a ?? b ?? c ?? '']));
      if ([...known.keys()].every((key) => key === 'version' || key === 'build') && known.size > 0) {
        const build = known.get('build');
        return { name, word: trimmed, version: known.get('version') ?? '', ...(build === undefined ? {} : { build }) };
      }
    } else if (plain !== null) {
      const rest = plain[2]?.trim() ?? '';
      const [, version, build] = /^(={0,2}[^\s=<>!~,|]+)(?:=|\s+)([^\s=<>!~,|]+)$/.exec(rest) ?? [];
      if (version !== undefined && build !== undefined) {
        // with a build, a version without a star is meant as it stands
        const plainly = /^=?([^=*]+)$/.exec(version)?.[1];
        return { name, word: trimmed, version: plainly === undefined ? version : `==${plainly}`, build };
      }
      return { name, word: trimmed, version: rest.replaceAll(/\s+/g, '') };
    }
  }
  throw new UserError(`conda: "${word}" can not be read as a package and its versions`, {
    status: 2,
    hint: 'such as numpy, "numpy>=1.26,<2" or "numpy==1.26.4"; channels stand in "channels:"',
  });
}

/** Whether a locked package is what is asked for; `undefined` where only the solver can tell, and it is not here. */
export function satisfies({ version, build }: Wish, locked: CondaPackage): boolean | undefined {
  if (build !== undefined && !glob(build).test(locked.build)) return false;
  if (version === '' || version === '*') return true;
  const [, exact] = /^==([^\s=<>!~,|*]+)$/.exec(version) ?? [];
  if (exact !== undefined) return exact === locked.version;
  const [, start] = /^=?([^\s=<>!~,|*]+?)(?:\.?\*)?$/.exec(version) ?? [];
  if (start !== undefined && version.startsWith('='))
    return locked.version === start || locked.version.startsWith(`${start}.`);
  const rattler = loadRattler();
  if (rattler === undefined) return undefined;
  try {
    return new rattler.VersionSpec(version).matches(new rattler.Version(locked.version));
  } catch {
    return undefined;
  }
}

function glob(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
