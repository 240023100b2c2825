import { localRoot } from '../../../roots/local.ts';
import type { CreateContext } from '../../../contract/index.ts';
import { UserError } from '../../../model/index.ts';
import { isSuite } from '../names.ts';
import type { Certificate } from '../read/openpgp.ts';
import { readOsRelease } from '../read/release-file.ts';
import { readSources, type Entry } from '../read/sources.ts';
import { signers, type AptLock, type AptSource, type AptSpec } from '../spec.ts';
import { broughtKeys, type MachineKeys } from '../read/keyrings.ts';

/** One suite that is asked for packages. */
export interface Asked {
  readonly entry: Entry;
  /** The source of the spec that it belongs to; absent where the machine or its configuration names it. */
  readonly source?: AptSource;
  readonly keys: readonly Certificate[];
  /** Whether it may be missing: nobody has written it down. */
  readonly optional: boolean;
}

/** The sources that a wish is resolved against. */
export interface AskedSources {
  readonly asked: readonly Asked[];
  /** As they were held; absent where they are the spec's own, or the machine's. */
  readonly held?: readonly AptSource[];
}

/** Those of the spec; else those that are held; else this machine's for that release; else the configuration's. */
export async function sourcesFor(
  wish: AptSpec,
  held: AptLock | undefined,
  machine: MachineKeys,
  context: CreateContext,
  fresh: boolean,
): Promise<AskedSources> {
  if (wish.sources !== undefined) return { asked: await fromSpec(wish.sources, held, machine, context) };
  if (held?.sources !== undefined && !fresh) {
    return { asked: await fromSpec(held.sources, held, machine, context), held: held.sources };
  }
  const { type, release } = wish;
  if (release === undefined) {
    throw new UserError(`${wish.id ?? type} says neither a release nor sources`, {
      status: 2,
      hint: `add "release: …" to it`,
    });
  }
  const own = await ownEntries(type);
  const here = own.entries.filter(({ suite }) => isOfRelease(suite, release));
  const configured = here.length > 0 ? [] : configuredEntries(type, release, context);
  const sibling = here.length > 0 || configured.length > 0 ? [] : siblingEntries(own, release);
  const entries = [...here, ...configured, ...sibling];
  if (entries.length === 0) {
    throw new UserError(`nothing says where packages of ${type} ${release} are had`, {
      status: 2,
      hint: `add "sources:" to the spec, or "mirror = …" to [${type}] in repronim/config.toml`,
    });
  }
  const trusted = await machine.trusted();
  return {
    asked: await Promise.all(
      entries.map(async (entry) => ({
        entry,
        keys: here.includes(entry) ? await machine.of(entry) : trusted,
        optional: here.includes(entry) || entry.suite !== release,
      })),
    ),
  };
}

async function fromSpec(
  sources: readonly AptSource[],
  held: AptLock | undefined,
  machine: MachineKeys,
  context: CreateContext,
): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const source of sources) {
    const wanted = signers(source);
    const keys =
      wanted.length === 0
        ? await machine.trusted()
        : [...(await broughtKeys(held, wanted, context.store)), ...(await machine.named(wanted))];
    if (keys.length === 0) throw noKey(source, wanted);
    const uri = new URL(source.uri).href.replace(/\/+$/, '');
    for (const suite of source.suites) {
      asked.push({
        entry: {
          uri,
          listed: uri,
          suite,
          components: suite.endsWith('/') ? [] : (source.components ?? ['main']),
          architectures: [],
          signedBy: undefined,
        },
        source,
        keys,
        optional: false,
      });
    }
  }
  return asked;
}

function noKey({ name, uri }: AptSource, wanted: readonly string[]): UserError {
  const key = wanted.length === 1 ? `the key ${wanted[0] ?? ''}` : `one of the keys ${wanted.join(', ')}`;
  const hint =
    'put it into /etc/apt/keyrings, or name its file in REPRONIM_APT_KEYRINGS; a bundle brings its keys along';
  return wanted.length > 0
    ? new UserError(`source ${name} (${uri}) is signed by ${key}, which is not on this machine`, { status: 4, hint })
    : new UserError(`this machine has no key of any archive, and source ${name} names none`, {
        status: 4,
        hint: 'install debian-archive-keyring, or ubuntu-keyring',
      });
}

interface Own {
  readonly entries: readonly Entry[];
  /** The machine's own release, where it is of this type. */
  readonly codename?: string;
}

/** This machine's sources, where it is of this type. */
async function ownEntries(type: string): Promise<Own> {
  await using root = localRoot();
  const os = await readOsRelease(root);
  if (os.id !== type && !os.like.includes(type)) return { entries: [] };
  const entries = (await readSources(root)).filter(({ uri }) => /^https?:/.test(uri));
  return { entries, ...(os.codename === undefined ? {} : { codename: os.codename }) };
}

/** `bookworm`, `bookworm-updates`, `bullseye/updates`. */
function isOfRelease(suite: string, release: string): boolean {
  return suite === release || suite.startsWith(`${release}-`) || suite.startsWith(`${release}/`);
}

/** The machine's own archive has other releases as well: its suites, with the other name. */
function siblingEntries({ entries, codename }: Own, release: string): Entry[] {
  if (codename === undefined) return [];
  return entries
    .filter(({ suite }) => [codename, `${codename}-updates`, `${codename}-security`].includes(suite))
    .map((entry) => ({ ...entry, suite: `${release}${entry.suite.slice(codename.length)}` }));
}

/** `[debian] mirror = "https://…"`, and `security`, `components` where they are not the usual ones. */
function configuredEntries(type: string, release: string, context: CreateContext): Entry[] {
  const { mirror, security, components } = context.settings(type);
  const names = typeof components === 'string' ? components.split(/[\s,]+/) : components;
  const listed = Array.isArray(names) ? names.filter((name): name is string => typeof name === 'string') : ['main'];
  const entry = (address: unknown, suite: string): Entry[] => {
    if (typeof address !== 'string' || !isSuite(suite)) return [];
    const url = URL.parse(address);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new UserError(`${address} is not an http or https address`, {
        status: 2,
        hint: `see [${type}] in the configuration`,
      });
    }
    const uri = url.href.replace(/\/+$/, '');
    return [{ uri, listed: uri, suite, components: listed.filter(isSuite), architectures: [], signedBy: undefined }];
  };
  return [
    ...entry(mirror, release),
    ...entry(mirror, `${release}-updates`),
    ...entry(security ?? (type === 'ubuntu' ? mirror : undefined), `${release}-security`),
  ];
}
