import type { AptPackage, AptPin } from '../spec.ts';
import { explain, unsatisfiable } from './explain.ts';
import { holdPins } from './held.ts';
import type { Scratch } from './scratch.ts';

/** One package that apt would install: what its file is. */
export interface Solved {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sha256: string;
  readonly size: number;
}

/**
 * Asks apt-get for the packages that `requests` need on an empty system. Held versions are taken as far as they go
 * with the rest: where apt finds no way, those that it stumbles over are let go, and it is asked again.
 */
export async function solve(
  requests: readonly string[],
  held: readonly AptPackage[],
  pins: readonly AptPin[],
  scratch: Scratch,
): Promise<readonly Solved[]> {
  for (let holding = held; ;) {
    // of pins that name a package, the first one counts (apt_preferences(5))
    scratch.setPins([...holdPins(holding), ...pins]);
    const argv = ['apt-get', '--quiet', '--yes', '--allow-downgrades', '--print-uris', 'install', '--'] as const;
    const { status, stdout, stderr } = await scratch.run(argv, requests);
    if (status === 0) return parse(stdout.toString('utf8'));
    const said = `${stdout.toString('utf8')}\n${stderr.toString('utf8')}`;
    const explanation = explain(said);
    if (holding.length === 0) throw unsatisfiable(explanation, said);
    const without = holding.filter(({ name }) => !explanation.packages.has(name));
    holding = without.length < holding.length ? without : [];
  }
}

/** Lines of `'URI' NAME_VERSION_ARCHITECTURE.deb SIZE SHA256:HASH`, the parts of the name quoted as in addresses. */
function parse(said: string): Solved[] {
  return said.split('\n').flatMap((line) => {
    const found = /^'[^']*' ([^_\s]+)_([^_\s]+)_([^_\s]+)\.deb (\d+) SHA256:([0-9a-f]{64})$/.exec(line.trim());
    if (found === null) return [];
    const [name = '', version = '', architecture = ''] = found.slice(1, 4).map((part) => decodeURIComponent(part));
    return [{ name, version, architecture, size: Number(found[4]), sha256: found[5] ?? '' }];
  });
}
