import { UserError } from '../../../model/index.ts';
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
 * Asks apt-get for the packages that are needed on an empty system for what is requested, while some are held. Held versions are taken as far as they go
 * with the rest: where apt finds no way, those that it stumbles over are let go, and it is asked again.
 */
export async function solve(
  requests: (holding: readonly AptPackage[]) => Promise<readonly string[]>,
  held: readonly AptPackage[],
  pins: readonly AptPin[],
  scratch: Scratch,
): Promise<readonly Solved[]> {
  for (let holding = held; ;) {
    // of pins that name a package, the first one counts (apt_preferences(5))
    scratch.setPins([...holdPins(holding), ...pins]);
    const argv = ['apt-get', '--quiet', '--yes', '--allow-downgrades', '--print-uris', 'install', '--'] as const;
    const { status, stdout, stderr } = await scratch.run(argv, await requests(holding));
    if (status === 126 || status === 127) throw noApt();
    if (status === 0) return parse(stdout.toString('utf8'));
    const said = `${stdout.toString('utf8')}\n${stderr.toString('utf8')}`;
    const explanation = explain(said);
    if (holding.length === 0) throw unsatisfiable(explanation, said);
    const without = holding.filter(({ name }) => !explanation.packages.has(name));
    holding = without.length < holding.length ? without : [];
  }
}

function noApt(): UserError {
  return new UserError('apt is not on this machine, and it is what finds out which packages go together', {
    status: 4,
    hint: 'resolve the spec on a Debian or Ubuntu machine, or in a container of one: the lock is good anywhere',
  });
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
