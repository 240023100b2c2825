import type { Endpoint } from './endpoint.ts';

/** What one engine has of its own; the rest is the Engine API, which docker and podman share. */
export interface EngineKind {
  /** Of the backend, of its places and of the engine's own program. */
  readonly name: string;
  readonly title: string;
  /** As messages call what answers: `the docker daemon`. */
  readonly called: string;
  /** The oldest version that speaks the API which is spoken here. */
  readonly oldest: string;
  /** What to do where nothing answers, and where one may not speak to it. */
  readonly hints: { readonly none: string; readonly denied: string };
  /** Where it listens: as named, or as the engine's own client would find it. Throws UserError 4. */
  find(named: string | undefined): Endpoint;
  /** Where nothing answers there: what we can start ourselves, for as long as we live. */
  serve?(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Endpoint | undefined>;
  /** Its own program, where nothing serves but what we would start ourselves; and whether a container runs there. */
  direct?(endpoint: Endpoint): Direct | undefined;
  isRunning?(container: string): boolean;
  /** Whether its archive endpoint (`GET …/archive`) gives a file's owner; its export always does. */
  readonly givesOwners: boolean;
  /** Whether that endpoint takes its path for a pattern (glob(7)). */
  readonly takesPatterns: boolean;
  /** Whether it makes a folder of this machine that is to be mounted and is not there. */
  readonly makesMounts: boolean;
  /** What every container's limits are set to where the engine's own choice may be refused here. */
  limits?(endpoint: Endpoint): readonly Limit[];
  /** What they are set to when a start has failed by them. */
  lowerLimits?(message: string): readonly Limit[] | undefined;
  /** How graphics processors are asked for: `all`, a number, or names. Throws UserError 4. */
  gpus(asked: string, server: string): readonly object[];
  /** What else has to end when a container is gone. */
  removed?(container: string, endpoint: Endpoint): void;
  /** Whether the process of a container that it calls running is gone: it has not noticed, and never will. */
  isLost?(pid: number, endpoint: Endpoint): boolean;
  /** Why no container would start here, and what to do, as far as that can be seen without trying. */
  trouble?(
    info: EngineInfo,
    endpoint: Endpoint,
  ): Promise<{ readonly because: string; readonly hint: string } | undefined>;
  /** What else is to be known of it, beside its version. */
  remark?(info: EngineInfo): string | undefined;
  /** What to do about what it says, where that is known of this engine. */
  explain?(message: string): string | undefined;
}

/** What is asked of `GET /info`. */
export interface EngineInfo {
  readonly OSType?: string;
  readonly ServerVersion?: string;
  readonly Driver?: string;
  readonly DefaultRuntime?: string;
  readonly CgroupVersion?: string;
  readonly DriverStatus?: unknown;
  /** Where its images and containers lie, as it sees its machine. */
  readonly DockerRootDir?: string;
}

/** As the API has it (`Ulimits`). */
export interface Limit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/** An engine's own program, where it is the shorter way into a container than the engine's service. */
export interface Direct {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
}
