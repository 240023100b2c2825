import { cutAddress } from '../../formats/spec/secrets.ts';
import type { CondaRecord } from './record.ts';

/** A channel's address without secrets: user info and anaconda.org's `/t/TOKEN` are cut; no `/` at the end. */
export function cutChannel(address: string): string {
  return cutToken(cutAddress(address)).replace(/\/+$/, '');
}

/** anaconda.org's `/t/TOKEN`, cut from every address of a text. */
export function cutToken(text: string): string {
  return text.replace(/(:\/\/[^\s/"'<>]+(?:\/[^\s/"'<>]+)*?)\/t\/[^\s/"'<>]+(?=[/\s"'<>]|$)/g, '$1');
}

/** The channel, without its subdir, that a record comes from; undefined where it tells of none that can be fetched from. */
export function channelOf({ url, channel, subdir, file }: CondaRecord): string | undefined {
  const end = `/${subdir ?? ''}/${file ?? ''}`;
  if (url !== undefined && isFetchable(url) && url.endsWith(end)) return cutChannel(url.slice(0, -end.length));
  if (channel === undefined || !isFetchable(channel)) return undefined;
  const cut = cutChannel(channel);
  return subdir !== undefined && cut.endsWith(`/${subdir}`) ? cut.slice(0, -subdir.length - 1) : cut;
}

/** Where an artifact of a channel lies. */
export function artifactAddress(channel: string, subdir: string, file: string): string {
  return `${channel.replace(/\/+$/, '')}/${encodeURIComponent(subdir)}/${encodeURIComponent(file)}`;
}

export function isFetchable(address: string): boolean {
  return /^https?:\/\/[^\s]+$/i.test(address) && URL.canParse(address);
}
