import { cleanAddress } from '../../toolkits/vcs/address.ts';

/** What an installed package's DESCRIPTION says ("Writing R Extensions", §1.1.1, and what remotes adds). */
export interface RDescription {
  readonly name: string;
  readonly version: string;
  readonly requires: readonly string[];
  readonly facts: { readonly built?: string; readonly repository?: string; readonly remote?: string };
}

/** Undefined where it is none. */
export function parseDescription(content: string): RDescription | undefined {
  const field = (name: string): string | undefined => {
    const value = new RegExp(String.raw`^${name}:[ \t]*(.*(?:\r?\n[ \t]+.*)*)`, 'm').exec(content)?.[1];
    return value?.replace(/\s+/g, ' ').trim();
  };
  const name = field('Package');
  const version = field('Version');
  if (name === undefined || version === undefined || !/^[A-Za-z][A-Za-z0-9.]*$/.test(name) || version === '')
    return undefined;
  const asked = ['Depends', 'Imports', 'LinkingTo'].flatMap((one) => (field(one) ?? '').split(','));
  const requires = asked.flatMap((one) => /^\s*([A-Za-z][A-Za-z0-9.]*)/.exec(one)?.[1] ?? []);
  // "R 4.2.2; x86_64-pc-linux-gnu; 2023-01-02 03:04:05 UTC; unix": the time is nobody's business
  const built = /^R ([\d.]+)/.exec(field('Built') ?? '')?.[1];
  const repository = field('Repository');
  const remote = remoteOf(field);
  return {
    name,
    version,
    requires: [...new Set(requires.filter((one) => one !== 'R'))].sort(),
    facts: {
      ...(built === undefined ? {} : { built }),
      ...(repository === undefined || remote !== undefined ? {} : { repository }),
      ...(remote === undefined ? {} : { remote }),
    },
  };
}

/** Where remotes, pak or renv got it from, in their words: `github::user/repository@commit`. */
function remoteOf(field: (name: string) => string | undefined): string | undefined {
  const type = field('RemoteType');
  if (type === undefined || type === 'standard' || !/^[a-z0-9]+$/.test(type)) return undefined;
  const [user, repository, sha, url] = ['RemoteUsername', 'RemoteRepo', 'RemoteSha', 'RemoteUrl'].map(field);
  const place = url === undefined ? [user, repository].filter((one) => one !== undefined).join('/') : cleanAddress(url);
  if (place === '') return undefined;
  return `${type}::${place}${sha === undefined ? '' : `@${sha}`}`;
}

const base = new Set(
  'base compiler datasets graphics grDevices grid methods parallel splines stats stats4 tcltk tools utils'.split(' '),
);

/** Whether a package is a part of R itself. */
export function isBasePackage(name: string): boolean {
  return base.has(name);
}
