import type { GenericSchema } from 'valibot';

import type {
  ContentRef,
  Difference,
  DistributionLock,
  DistributionSpec,
  EnvironmentChange,
  Note,
  PackageId,
  Step,
  VolatilePath,
} from '../model/index.ts';
import type { Context, CreateContext, Ran, TraceContext } from './context.ts';
import type { Root } from './root.ts';
import type { Obtained, Wanted } from './store.ts';

/** Who a path belongs to. */
export interface Owner {
  /** The key of the package, work tree or prefix within its distribution. */
  readonly key: string;
  /** Which of several distributions of this type in one root: the prefix or work tree's path. Absent where there is one. */
  readonly instance?: string;
  /** Set when no list names the path but the package is known to make it: how, for people. */
  readonly explained?: string;
}

/** What became of the paths that a distribution was asked to describe. */
export interface Description<S extends DistributionSpec, L extends DistributionLock> {
  /** Sorted by identity. The flow gives ids, and computes `of`. */
  readonly distributions: readonly {
    readonly spec: S;
    readonly lock: Omit<L, 'of'>;
    /** Where it lies, for naming it when its type comes twice. */
    readonly instance?: string;
    /** One line for the trace's summary: `14 Debian packages`, `1 git work tree`. */
    readonly summary: string;
    /** A path of what it stands on (a venv's interpreter): the flow makes its owner the `base`. Also a lead. */
    readonly standsOn?: string;
    /** Variables of the run that are its doing: what they held goes into the spec. */
    readonly variables?: readonly string[];
  }[];
  /** Paths that must be claimed too (interpreters behind links, editable checkouts, a git dir elsewhere). */
  readonly leads?: readonly string[];
  /** Files with secrets that are kept without them: what is kept, by absolute path. */
  readonly cut?: ReadonlyMap<string, ContentRef>;
  readonly notes: readonly Note[];
}

/** One distribution of an exact spec. */
export interface Exact<S extends DistributionSpec, L extends DistributionLock> {
  readonly spec: S;
  readonly lock: L;
  /** What `prepare` made. */
  readonly made: Readonly<Record<string, ContentRef>>;
  /** What a change takes away, where `prepareChange` could tell: absolute paths. */
  readonly gone?: readonly string[];
}

/** What a person wants of a live environment, in the words of the distribution: `jq`, `nilearn==0.10.4`. */
export interface Edit {
  readonly install?: readonly string[];
  readonly uninstall?: readonly string[];
  /** `true`: everything. */
  readonly upgrade?: true | readonly string[];
}

/** What a base has to supply, and which packages of the families of operating systems have it. */
export interface Need {
  /** As a person names it: `git`, `python3`. */
  readonly program: string;
  readonly debian: readonly string[];
  readonly redhat: readonly string[];
}

/** What a stand-alone distribution offers as the base of overlays. */
export interface DefaultBase<S extends DistributionSpec> {
  readonly spec: S;
  /** Whether this machine is one of these: its own release then. */
  readonly own: boolean;
}

/** What `diff` and `verify` see of one distribution in a root. */
export interface Observed {
  readonly packages: readonly PackageId[];
}

/** The result of looking at one distribution's files against its own digests. */
export interface Checked {
  readonly checked: number;
  /** Every path that is this distribution's, as `claim` would say: what is left over is unknown. */
  readonly differing: readonly Difference[];
  readonly explained: readonly Difference[];
  /** What the lock says is its own, where only the run told `claim` so: absolute paths. */
  readonly own?: readonly string[];
}

/** A root that a stand-alone distribution has laid. */
export interface LaidRoot {
  readonly directory: string;
  /** Owners, modes and capabilities that the directory itself can't show (unprivileged, no subordinate ids). */
  readonly manifest?: string;
}

/**
 * A collection of packages that are managed through one interface. Every method is about this type only; a method
 * that is absent is a thing that the distribution cannot do.
 *
 * Stand-alone distributions (a Linux distribution) have `bootstrap`; the others are overlays.
 */
export interface Distribution<
  S extends DistributionSpec = DistributionSpec,
  L extends DistributionLock = DistributionLock,
> {
  readonly type: S['type'];
  /** As a person reads it: `Debian`. */
  readonly title: string;
  /** What stands above the lock: a `looseObject` with `type` and `distributionFields`. */
  readonly schema: GenericSchema<unknown, S>;
  /** The lock entry, `of` included. */
  readonly lockSchema: GenericSchema<unknown, L>;

  /** Whose are these? Batched, ours only, no subprocess per file. Paths are canonical in their folder (links in it resolved). */
  claim(paths: readonly string[], root: Root, context: Context): Promise<ReadonlyMap<string, readonly Owner[]>>;
  /** What are they? Asked again when leads find more; the last answer counts. */
  describe(owned: ReadonlyMap<string, readonly Owner[]>, root: Root, context: TraceContext): Promise<Description<S, L>>;

  /** Whether the run itself, by its environment or programs, tells of this: `describe` is then asked without a claim, too. */
  notices?(ran: Ran): boolean;

  /** Loose to exact: what is held and still satisfies stays, but for `renew` (`true`: all). */
  resolve?(
    wish: S,
    held: L | undefined,
    context: CreateContext,
    renew: true | readonly string[],
  ): Promise<Omit<L, 'of'>>;

  /** Content that its lock names: what a bundle must carry (`kept`), and what an archive has (`archived`). */
  contents(spec: S, lock: L): { readonly kept: readonly ContentRef[]; readonly archived: readonly ContentRef[] };
  /** What has to be in the store before `bootstrap` and `plan`'s steps, and where it can be had. */
  wanted(spec: S, lock: L, context: CreateContext): Promise<readonly Wanted[]>;
  /** Makes content that is derived from what was obtained (a work tree's tar from a clone). Runs after `wanted` is there. */
  prepare?(
    spec: S,
    lock: L,
    context: CreateContext,
  ): Promise<Obtained & { readonly made: Readonly<Record<string, ContentRef>> }>;

  /** Stand-alone distributions: lays exactly the locked packages into an empty folder. */
  bootstrap?(spec: S, lock: L, directory: string, context: CreateContext): Promise<LaidRoot>;
  /** What an environment made of this does not bring, and where that can be had: said to whoever makes one. Pure. */
  lacks?(spec: S, lock: L): readonly Note[];
  /** What turns the base into this. Pure. `made` is what `prepare` gave. */
  plan(spec: S, lock: L, made: Readonly<Record<string, ContentRef>>): readonly Step[];

  /** The entry as it is after such an edit, not yet resolved. Pure. Throws UserError 2 for a word that it does not understand. */
  edit?(spec: S, edit: Edit): S;
  /** The lock without these files of its packages (by `claim`'s answer): they are taken away once they are laid. Pure. */
  omit?(lock: L, files: ReadonlyMap<string, readonly Owner[]>): L;
  /**
   * Of an environment that is taken whole: the exact state without packages of which no file is among the used ones,
   * and that none of the others requires. `root` is what was made of it. What its own records say stays true.
   */
  narrow?(
    of: Omit<Exact<S, L>, 'made'>,
    used: ReadonlySet<string>,
    root: Root,
    context: Context,
  ): Promise<Omit<Exact<S, L>, 'made'>>;
  /** What `change` alone needs to know, from what is in the store: it joins what `to` has. */
  prepareChange?(
    from: Omit<Exact<S, L>, 'made'>,
    to: Omit<Exact<S, L>, 'made'>,
    context: CreateContext,
  ): Promise<Pick<Exact<S, L>, 'made' | 'gone'>>;
  /** What turns a live environment from one exact state into the other; content that the steps name is in the store. */
  change?(from: Exact<S, L>, to: Exact<S, L>): readonly Step[];
  /** What is to be set for using it, in order; `deactivate` takes it back. Absent where nothing needs to be. */
  activate?(spec: S, lock?: L): readonly EnvironmentChange[];
  /**
   * Stand-alone distributions: the loose entry that supplies this, for a spec of overlays only. Undefined where nothing
   * here says which release, or where it can be had.
   */
  asBase?(needs: readonly Need[], context: Context): Promise<DefaultBase<S> | undefined>;
  /** What it takes of its base: a base by default is chosen so that it has that. */
  needs?(spec: S): readonly Need[];

  /** Paths whose bytes depend on the route: not in the fingerprint, and said by name. */
  volatile?(spec: S): readonly VolatilePath[];
  /** As diff sees a spec. */
  packages(spec: S, lock?: L): readonly PackageId[];
  /** As diff and verify see a root: what is installed there of this distribution. */
  observe(spec: S, root: Root, context: Context): Promise<Observed>;
  /** Files' contents against the packages' own digests, the whole collection. */
  check?(spec: S, lock: L, root: Root, context: Context): Promise<Checked>;
  /** Which locked packages are vouched for: by an archive that this machine trusts, a key that the file brings, or nobody. */
  trust?(spec: S, lock: L, context: CreateContext): Promise<Trust>;
}

export interface Trust {
  readonly packages: number;
  readonly byMachine: number;
  readonly byBundle: number;
  /** Keys of the packages that nobody vouches for. */
  readonly byNobody: readonly string[];
  /** Why nobody does, in a few words that fit into brackets: `repacked`. */
  readonly because?: string;
}

/** Distributions of different specs in one list; the registry's element type. */
// A plug-in's own S and L meet only values that its own schema has let in, so the list may forget them.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyDistribution = Distribution<any, any>;
