import { createRequire } from 'node:module';

/** What is used of `@conda-org/rattler`: conda's version algebra and its solver, as WebAssembly. */
export interface Rattler {
  readonly Version: new (version: string) => object;
  readonly VersionSpec: new (spec: string) => { matches(version: object): boolean };
  simpleSolve(
    specs: readonly string[],
    channels: readonly string[],
    platforms: readonly string[],
    locked: readonly Solved[],
  ): Promise<readonly Solved[]>;
}

/** A record of a channel. Numbers come as bigint. */
export interface Solved {
  readonly url: string;
  readonly packageName: string;
  readonly version: string;
  readonly build: string;
  readonly buildNumber: number | bigint;
  readonly repoName: string | undefined;
  readonly filename: string;
  readonly subdir: string | undefined;
  readonly size?: number | bigint | undefined;
  readonly md5?: string | undefined;
  readonly sha256?: string | undefined;
  readonly depends: readonly string[] | undefined;
}

let loaded: Rattler | false | undefined;

/** The library, where it is installed (it is optional); loaded when it is asked for the first time. */
export function loadRattler(): Rattler | undefined {
  if (loaded === undefined) {
    try {
      loaded = createRequire(import.meta.url)('@conda-org/rattler') as Rattler;
    } catch {
      loaded = false;
    }
  }
  return loaded === false ? undefined : loaded;
}
