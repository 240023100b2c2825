import { byBytes } from '../../model/index.ts';
import type { CreateContext, Trust } from '../../contract/index.ts';
import { getBytes } from '../../archives/get-bytes.ts';
import { decompressed } from '../../roots/decompress.ts';
import { channelAddresses, readClientConfig } from './condarc.ts';
import type { CondaLock, CondaSpec } from './spec.ts';

/** How long this machine's channels are asked in all. */
const patience = 60_000;
const largestIndex = 1024 ** 3;

/** What indices list, by their address: each is read once. */
const asked = new Map<string, Promise<ReadonlySet<string>>>();

/**
 * Who vouches for packages: a channel that this machine's own clients use, if it lists the very sha256. Nobody does for
 * what was kept from an installation.
 */
export async function trust(_spec: CondaSpec, lock: CondaLock, context: CreateContext): Promise<Trust> {
  const client = await readClientConfig(context);
  const channels = new Set(client.channels.flatMap((word) => channelAddresses(word, client)));
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(patience)]);
  const nobody: string[] = (lock.pip ?? []).map(({ name }) => `pip:${name}`);
  let [kept, unlisted] = [nobody.length, 0];
  for (const { name, channel, subdir, sha256: digest, repacked } of lock.packages) {
    if (digest === undefined || repacked === true) kept += 1;
    else if (channel !== undefined && subdir !== undefined && channels.has(channel)) {
      const listed = await digestsOf(`${client.mirrors.get(channel) ?? channel}/${subdir}`, signal);
      context.signal.throwIfAborted();
      if (listed.has(digest)) continue;
      unlisted += 1;
    } else unlisted += 1;
    nobody.push(name);
  }
  const packages = lock.packages.length + (lock.pip?.length ?? 0);
  const because = unlisted === 0 ? 'repacked' : 'in no channel of this machine';
  return {
    packages,
    byMachine: packages - kept - unlisted,
    byBundle: 0,
    byNobody: nobody.sort(byBytes),
    ...(nobody.length === 0 ? {} : { because }),
  };
}

async function digestsOf(address: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  let found = asked.get(address);
  if (found === undefined) {
    if (asked.size > 32) asked.clear();
    asked.set(address, (found = readDigests(address, signal)));
  }
  return await found;
}

/** The sha256 of everything that a channel lists in one subdir; nothing where it can't be asked. */
async function readDigests(address: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const packed = await getBytes(`${address}/repodata.json.zst`, largestIndex, signal).catch(() => undefined);
  const text =
    packed === undefined
      ? await getBytes(`${address}/repodata.json`, largestIndex, signal).catch(() => Buffer.alloc(0))
      : await decompressed(packed, 'zst', largestIndex, address).catch(() => Buffer.alloc(0));
  // the index of a large channel is hundreds of MB: only what is asked for is looked for
  const mark = Buffer.from('"sha256"');
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + mark.length)) {
    const digest = /^"sha256"\s*:\s*"([0-9a-f]{64})"/.exec(text.toString('latin1', at, at + 100))?.[1];
    if (digest !== undefined) found.add(digest);
  }
  return found;
}
