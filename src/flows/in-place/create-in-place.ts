import { UserError, type Spec, type Step } from '../../model/index.ts';
import type { Confinement, Obtained, Session } from '../../contract/index.ts';
import { displayArgv } from '../../sessions/process.ts';
import { applySteps } from '../apply.ts';
import { obtainAll } from '../create/obtain.ts';
import { createContextOf, withWork } from '../create-context.ts';
import type { House } from '../house.ts';
import { baseOf, partsOf, stepsOf, type Part } from '../plan.ts';
import { compareBase, systemLine, systemSteps } from './compare-base.ts';
import { lay, madeOf, planLaying, refuseInTheWay } from './lay.ts';
import { keepReplaced } from './replaced.ts';
import { writeMade } from './take-back.ts';

/** What may be done to a place that was there before. Default: nothing that is the system's, nothing replaced. */
export interface InPlaceOptions {
  /** Packages of the system may be installed or replaced, and the user's own programs run. */
  readonly allowSystem: boolean;
  /** Files that are there and different are replaced. */
  readonly force: boolean;
  /** Asks whether all this may be done; absent where nobody can be asked. */
  ask?(lines: readonly string[]): Promise<boolean>;
}

/** What was done to it. */
export interface LaidInPlace {
  readonly made: number;
  readonly same: number;
  readonly replaced: number;
  /** Packages of the system that were installed or replaced. */
  readonly system: number;
}

export interface InPlaceRequest {
  readonly name: string;
  /** As people know the place: `this machine`. */
  readonly label: string;
  readonly spec: Spec;
  readonly confinement: Confinement;
  readonly options: InPlaceOptions;
  /** The instance's own folder. */
  readonly folder: string;
}

/** Throws UserError 4 for what would have to be confined, and 2 for what nothing can be done about in such a place. */
export function refuseConfined({
  confinement,
  label,
  name,
}: Omit<InPlaceRequest, 'folder' | 'spec' | 'options'>): void {
  if (confinement.level === 'confined') {
    throw new UserError(`cannot create ${name}: nothing that runs on ${label} is confined`, {
      status: 4,
      hint: '--trust puts it there all the same; other backends confine it',
    });
  }
  if (confinement.mounts.length > 0) {
    throw new UserError(`nothing can be mounted into ${label}`, { status: 2, hint: 'leave --mount out' });
  }
}

/**
 * Lays what a spec has over its base over a place that is there. The system itself is compared, and only touched where
 * that is allowed. What is going to be made is written down before the first of it is.
 */
export async function createInPlace(
  request: InPlaceRequest,
  session: Session,
  house: House,
): Promise<{ readonly done: LaidInPlace; readonly obtained: Obtained }> {
  const { spec, name, options, folder } = request;
  return await withWork(house, async (work) => {
    const context = createContextOf(house, work, true);
    const parts = partsOf(spec, house.distributions);
    const base = baseOf(parts);
    const system = await compareBase(base, session.root, context);
    const own = programsOf(spec);
    await refuseSystem(request, system.map(systemLine), own, session);
    const overlays = parts.filter((part) => part !== base);
    const { made, obtained } = await obtainAll(overlays, context);
    const changes = system.length === 0 ? [] : await systemSteps(base, system, context);
    const { laid, run } = stepsInPlace(spec, overlays, made);
    const laying = await planLaying(laid, session, house.store, () => options.force);
    refuseInTheWay(laying, name);
    await keepReplaced(
      folder,
      laying.replaced.map(({ path }) => path),
      session,
    );
    await writeMade(folder, madeOf(laying));
    await applySteps(changes, session, house.store, () => {});
    await lay(laid, laying, session, house.store);
    await applySteps(run, session, house.store, () => {});
    const done = {
      made: laying.made.length,
      same: laying.same,
      replaced: laying.replaced.length,
      system: system.length,
    };
    return { done, obtained };
  });
}

function stepsInPlace(
  spec: Spec,
  overlays: readonly Part[],
  made: Parameters<typeof stepsOf>[2],
): { readonly laid: readonly Step[]; readonly run: readonly Step[] } {
  // accounts are the system's own
  const { distributions, customize, files } = stepsOf(spec, overlays, made);
  const all = [...distributions, ...customize, ...files];
  const run = all.filter(({ do: what }) => what === 'run' || what === 'remove');
  return { laid: all.filter((step) => !run.includes(step)), run };
}

/** Programs of the user's own that would run in the place itself, for people. */
function programsOf({ customize = [] }: Spec): readonly string[] {
  return customize.flatMap(({ run }) => (run === undefined ? [] : [`runs ${displayArgv(run)}`]));
}

/** Throws UserError 4 that names everything that would be done to the system and may not be. */
export async function refuseSystem(
  {
    name,
    label,
    options,
    what: act = 'create',
  }: Pick<InPlaceRequest, 'name' | 'label' | 'options'> & { readonly what?: 'create' | 'change' },
  packages: readonly string[],
  programs: readonly string[],
  session: Session,
): Promise<void> {
  const lines = [...packages, ...programs];
  if (lines.length === 0) return;
  const shown = [...lines.slice(0, 20), ...(lines.length > 20 ? [`… and ${lines.length - 20} more`] : [])];
  if (!options.allowSystem && (await options.ask?.(shown)) !== true) {
    const what =
      packages.length === 0
        ? 'its own programs'
        : `${packages.length} ${packages.length === 1 ? 'package' : 'packages'} of the system`;
    throw new UserError(`cannot ${act} ${name} on ${label} without touching ${what}`, {
      status: 4,
      details: shown,
      hint: '--allow-system does that; another backend leaves the system alone',
    });
  }
  if (packages.length === 0) return;
  const { stdout } = await session.run(['id', '-u']);
  if (stdout.toString().trim() === '0') return;
  throw new UserError(`only root can change the packages of ${label}`, {
    status: 4,
    details: shown,
    hint: 'run repronim as root, or let an administrator install them',
  });
}
