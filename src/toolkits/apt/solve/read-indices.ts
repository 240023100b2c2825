import type { CreateContext } from '../../../contract/index.ts';
import { UserError } from '../../../model/index.ts';
import type { Index } from '../read/lists.ts';
import type { Mirror } from '../lay/mirrors.ts';
import { listName } from '../read/sources.ts';
import type { Certificate } from '../read/openpgp.ts';
import type { Asked } from './asked.ts';
import { readIndex } from './index-file.ts';
import { fetchRelease, ownRelease, suiteAddress, type ReleaseFile } from './release.ts';
import { verifySigned } from './signature.ts';
import type { Workshop } from './workshop.ts';

/** A verified index with what it says. */
export interface ReadIndex extends Index {
  readonly asked: Asked;
  /** By the names that apt has for them: Release file, and the Packages files of each architecture. */
  readonly files: readonly { readonly name: string; readonly file: string; readonly content: Buffer }[];
  readonly releaseFile: ReleaseFile;
  /** The keys that have signed it. */
  readonly signers: readonly Certificate[];
}

export interface ReadIndices {
  readonly indices: readonly ReadIndex[];
  /** Suites that could not be had, and need not be. */
  readonly left: readonly string[];
}

/**
 * Everything that the asked suites offer: Release files from where they are (or another mirror of the same archive, or
 * what this machine's apt has of them), whose signatures are verified, and the indices by the hashes in them.
 */
export async function readIndices(
  asked: readonly Asked[],
  architectures: readonly string[],
  mirrors: readonly Mirror[],
  workshop: Workshop,
  context: CreateContext,
): Promise<ReadIndices> {
  const left: string[] = [];
  const failures: UserError[] = [];
  const read = await Promise.all(
    asked.map(async (one) => {
      try {
        return await readSuite(one, architectures, mirrors, workshop, context);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        if (one.optional) left.push(`${suiteAddress(one.entry)}: ${error.message}`);
        else failures.push(error);
        return [];
      }
    }),
  );
  const indices = read.flat();
  const [failure] = failures;
  if (failure !== undefined) {
    throw failures.length === 1
      ? failure
      : new UserError(`${failures.length} sources cannot be read`, {
          details: failures.map(({ message }) => message),
          ...(failure.hint === undefined ? {} : { hint: failure.hint }),
        });
  }
  if (indices.length === 0) throw new UserError('none of the sources can be read', { details: left });
  return { indices, left };
}

async function readSuite(
  asked: Asked,
  architectures: readonly string[],
  mirrors: readonly Mirror[],
  workshop: Workshop,
  context: CreateContext,
): Promise<ReadIndex[]> {
  const { entry } = asked;
  const address = suiteAddress(entry);
  context.onProgress({ step: 'resolve', what: `reading ${address}` });
  const { releaseFile, addresses } = await releaseOf(asked, mirrors, context);
  const { release } = releaseFile;
  const signers = await signersOf(releaseFile, asked, workshop);
  const components = entry.components.length === 0 ? [undefined] : entry.components;
  const indices: ReadIndex[] = [];
  for (const component of components) {
    const files: { name: string; file: string; content: Buffer }[] = [];
    for (const path of indexPaths(component, architectures, entry.architectures, releaseFile)) {
      const listed = suiteAddress({ uri: entry.listed, suite: entry.suite });
      const found = await readIndex(path, releaseFile, addresses, context, { listed });
      if (found !== undefined) files.push({ name: listName(`${address}/${path}`), ...found });
    }
    if (files.length === 0) {
      if (asked.optional) continue;
      throw new UserError(
        component === undefined
          ? `${address} has no packages`
          : `${address} has no component ${component} for ${architectures.join(', ')}`,
        { status: 2 },
      );
    }
    const signedBy = signers.map(({ fingerprint }) => fingerprint);
    indices.push({ asked, entry, component, release, signedBy, signers, offers: [], files, releaseFile });
  }
  return indices;
}

async function releaseOf(
  { entry, source }: Asked,
  mirrors: readonly Mirror[],
  { signal }: CreateContext,
): Promise<{ releaseFile: ReleaseFile; addresses: readonly string[] }> {
  const label = source?.label;
  const others = mirrors.filter((mirror) => label !== undefined && mirror.label === label).map(({ uri }) => uri);
  const addresses = [...new Set([entry.uri, ...others])].map((uri) => suiteAddress({ uri, suite: entry.suite }));
  const failures: string[] = [];
  for (const address of addresses) {
    try {
      return { releaseFile: await fetchRelease(address, signal), addresses };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof UserError)) throw error;
      failures.push(`${address}: ${error.message}`);
    }
  }
  const own = await ownRelease(entry);
  if (own !== undefined) return { releaseFile: own, addresses };
  throw new UserError(`cannot read what ${source?.name ?? entry.suite} offers: ${failures.join('; ')}`, {
    hint: 'look at its address and suites in the spec, and at the network',
  });
}

async function signersOf(
  file: ReleaseFile,
  { entry, source, keys }: Asked,
  workshop: Workshop,
): Promise<Certificate[]> {
  const verified = await verifySigned(file, keys, workshop);
  if (verified === undefined) {
    throw new UserError('nothing here can verify the signatures of archives: neither gpgv nor sqv', {
      status: 4,
      hint: 'install gpgv',
    });
  }
  const names = [...verified.good, ...verified.expired];
  const signers = keys.filter(({ fingerprint }) => names.includes(fingerprint));
  if (signers.length > 0) return [...new Map(signers.map((one) => [one.fingerprint, one])).values()];
  const by = file.release.issuers.join(', ') || 'nobody';
  throw new UserError(
    `${source?.name ?? suiteAddress(entry)}: the signature of ${suiteAddress(entry)} is not good: it is by ${by}`,
    {
      status: 4,
      hint:
        source?.['signed-by'] === undefined
          ? 'add "signed-by:" with the fingerprint of its key, and put the key into /etc/apt/keyrings'
          : 'it should be by the key that "signed-by" names',
    },
  );
}

/** Paths, below the suite's folder, of what has packages of a component for these architectures. */
export function indexPaths(
  component: string | undefined,
  architectures: readonly string[],
  only: readonly string[],
  { architectures: offered, allInEach }: ReleaseFile,
): string[] {
  if (component === undefined) return ['Packages'];
  const wanted = only.length === 0 ? architectures : architectures.filter((name) => only.includes(name));
  const all = offered.includes('all') && !allInEach ? ['all'] : [];
  return [...wanted, ...all].map((architecture) => `${component}/binary-${architecture}/Packages`);
}
