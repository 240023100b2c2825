import type { Context } from '../../../contract/index.ts';
import { byBytes, UserError } from '../../../model/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { nativeArchitecture } from '../lay/bootstrap.ts';
import { isRedhat } from '../read/release.ts';
import { readRepositories } from '../read/repositories.ts';
import { filled } from '../settings.ts';
import type { RpmLock, RpmSource, RpmSpec } from '../spec.ts';

/** The entry's own, else those of its lock, else this machine's where it is of this family, else the settings'. */
export async function sourcesFor(
  wish: RpmSpec,
  held: RpmLock | undefined,
  architecture: string,
  context: Pick<Context, 'settings'>,
): Promise<readonly RpmSource[]> {
  const given = wish.sources ?? held?.sources;
  if (given !== undefined && given.length > 0) return given;
  await using machine = localRoot('/');
  if (await isRedhat(machine)) {
    const facts = { architecture, ...(wish.release === undefined ? {} : { release: wish.release }) };
    const own = [...(await readRepositories(machine, facts)).values()].filter((one) => one.enabled && one.public);
    if (own.length > 0) return own.map(({ source }) => source).sort((a, b) => byBytes(a.name, b.name));
  }
  const configured = configuredSources({ ...wish, architecture }, context);
  if (configured.length > 0) return configured;
  throw new UserError('nothing says where these rpm packages come from', {
    status: 2,
    hint: 'add "sources:" to the entry, each with a name and a uri (the folder that has repodata)',
  });
}

/** `sources` in `[redhat]` of the settings, a name and an address each; `{release}` and the like stand for the entry's. */
export function configuredSources(spec: RpmSpec, { settings }: Pick<Context, 'settings'>): readonly RpmSource[] {
  const { sources } = settings(spec.type);
  if (typeof sources !== 'object' || sources === null) return [];
  const entry = { ...spec, architecture: spec.architecture ?? nativeArchitecture() ?? '' };
  return Object.entries(sources)
    .flatMap(([name, address]): RpmSource[] => {
      const uri = filled(address, entry, name);
      return uri === undefined || !/^[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}$/.test(name) ? [] : [{ name, uri }];
    })
    .sort((a, b) => byBytes(a.name, b.name));
}
