import { byBytes, UserError } from '../../model/index.ts';
import type { Context } from '../../contract/index.ts';
import { normalizeName } from '../../toolkits/python/metadata.ts';
import { channelAddresses, readClientConfig } from './condarc.ts';
import { parseWish, satisfies } from './match.ts';
import { detectPlatform, detectVirtual, solve } from './solve.ts';
import type { CondaLock, CondaPackage, CondaSpec } from './spec.ts';
import { recordPath } from './tree.ts';

/**
 * A loose entry to an explicit list. A lock that still satisfies stays as it is, also for another path: no channel is
 * asked then. What pip put into a traced prefix stays; it can not be had anew.
 */
export async function resolve(
  wish: CondaSpec,
  held: CondaLock | undefined,
  context: Context,
  renew: true | readonly string[],
): Promise<Omit<CondaLock, 'of'>> {
  checkPip(wish, held);
  if (held !== undefined && renew !== true && !concerns(renew, held) && stillSatisfies(wish, held)) {
    return withoutOf(held);
  }
  const words = (wish.packages ?? []).map((word) => parseWish(word).word);
  if (words.length === 0) return { ...(held === undefined ? {} : { ...withoutOf(held), edited: true }), packages: [] };
  const channels = await channelsOf(wish, context);
  const free = (name: string) => renew === true || renew.includes(name);
  const { packages, needs } = await solve({
    words,
    channels,
    platform: wish.platform ?? detectPlatform(),
    virtual: { ...detectVirtual(), ...held?.virtual, ...wish.virtual },
    held: (held?.packages ?? []).filter(({ name, repacked }) => repacked === true || !free(name)),
  });
  const { needs: _, ...others } = held === undefined ? { needs: [] } : withoutOf(held);
  const isEdited = held?.tree !== undefined && recordsOf(held.packages) !== recordsOf(packages);
  return { ...others, packages, ...(isEdited ? { edited: true } : {}), ...(needs.length === 0 ? {} : { needs }) };
}

function recordsOf(packages: readonly CondaPackage[]): string {
  return packages.map(recordPath).sort(byBytes).join('\n');
}

/** Whether what is locked is what is wished: each word is satisfied, and nothing stands there that nobody asks for now. */
function stillSatisfies(wish: CondaSpec, { packages }: CondaLock): boolean {
  const wishes = (wish.packages ?? []).map(parseWish);
  const byName = new Map(packages.map((one) => [one.name, one]));
  const names = new Set(wishes.map(({ name }) => name));
  return (
    wishes.every((one) => {
      const locked = byName.get(one.name);
      return locked !== undefined && satisfies(one, locked) === true;
    }) && packages.every(({ name, requested }) => requested === undefined || names.has(name))
  );
}

async function channelsOf(wish: CondaSpec, context: Context): Promise<readonly string[]> {
  const client = await readClientConfig(context);
  const words = wish.channels ?? client.channels;
  if (words.length === 0) {
    throw new UserError(`conda: ${wish.path} names no channels, and neither does this machine's configuration`, {
      status: 2,
      hint: 'add "channels: [https://…]"',
    });
  }
  return words.flatMap((word) => {
    const addresses = channelAddresses(word, client);
    if (addresses.length > 0) return addresses.map((address) => client.mirrors.get(address) ?? address);
    throw new UserError(`conda: it is not known where the channel ${word} lies`, {
      status: 2,
      hint: 'write its address, or set channel_alias in ~/.condarc, or alias in [conda] of the configuration',
    });
  });
}

function checkPip(wish: CondaSpec, held: CondaLock | undefined): void {
  const there = new Map((held?.pip ?? []).map(({ name, version }) => [normalizeName(name), version]));
  for (const word of wish.pip ?? []) {
    const [, name = word, version] = /^([A-Za-z0-9._-]+)\s*(?:==\s*(\S+))?$/.exec(word) ?? [];
    const locked = there.get(normalizeName(name));
    if (locked !== undefined && (version === undefined || version === locked)) continue;
    throw new UserError(`conda: ${word} can not be put into ${wish.path} by pip`, {
      status: 2,
      hint: 'take it from a channel, or put a venv over this prefix',
    });
  }
}

function concerns(renew: readonly string[], { packages }: CondaLock): boolean {
  return packages.some(({ name }) => renew.includes(name));
}

function withoutOf(held: CondaLock): Omit<CondaLock, 'of'> {
  const { of: _, ...others } = held;
  return others;
}
