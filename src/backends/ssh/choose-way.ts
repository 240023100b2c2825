import { randomBytes } from 'node:crypto';

import type { Confinement, Unusable } from '../../contract/index.ts';
import { UserError } from '../../model/index.ts';
import { RemoteFailed } from '../../sessions/ssh/channel.ts';
import { controlOf } from '../../sessions/ssh/control.ts';
import type { Host } from '../../sessions/ssh/host.ts';
import { engineOf } from '../../toolkits/apptainer/engine.ts';
import { waiterFor } from '../../toolkits/apptainer/waiter.ts';
import { enclosureFields } from './enclosure-fields.ts';
import { ways, type SshParams, type Way } from './params.ts';
import { probePodman } from './podman.ts';

/** How a tree on a host is entered, and what is to be said of it. */
export interface Chosen {
  readonly usable: true;
  readonly way: Way;
  readonly detail: string;
}

type Asked = Pick<SshParams, 'config' | 'program'>;
type Found = { readonly because: string } | { readonly works: string };

const confined: Confinement = { level: 'confined', network: 'none', mounts: [] };

/** The way that was asked for, or the first that works, found by trying; and why those before it do not. */
export async function chooseWay(
  host: Host,
  params: Pick<SshParams, 'enter' | 'config' | 'program'>,
  signal: AbortSignal,
): Promise<Chosen | Unusable> {
  const { host: name } = host.connection;
  const { enter = 'auto' } = params;
  const refused: string[] = [];
  // what the kernel denies root it denies root's engines, too
  const tries = host.uid === 0 ? ways.filter((way) => way === 'namespaces' || way === 'chroot') : ways;
  for (const way of enter === 'auto' ? tries : [enter]) {
    const found = await tryWay(way, host, params, signal);
    if ('works' in found) {
      const since = refused.length === 0 ? '' : `, since ${refused.join('; ')}`;
      return { usable: true, way, detail: `${name}: ${way}${found.works}${since}` };
    }
    if (way !== 'chroot' || enter === 'chroot') refused.push(`${way}: ${found.because}`);
  }
  const because = `${name}: ${refused.join('; ')}`;
  if (host.uid === 0 && (enter === 'auto' || enter === 'chroot')) {
    const hint =
      enter === 'chroot'
        ? 'another way does confine: leave --set enter=chroot out; or say --trust'
        : 'that looks like a container: let it have SYS_ADMIN, or say --trust';
    return { usable: false, because, hint, whenTrusted: true };
  }
  const hint = enter === 'auto' ? adviceFor(host) : 'leave --set enter=… out: then the first way that works is taken';
  return { usable: false, because, hint };
}

function adviceFor({ connection: { host } }: Host): string {
  return `its administrator allows user namespaces (sysctl -w user.max_user_namespaces=15000), or installs podman or apptainer; \`repronim create --backend ssh --set host=${host}\` takes what there is`;
}

/** Which way is taken in a host is found once in a process. */
const tried = new WeakMap<Host, Map<Way, Promise<Found>>>();

async function tryWay(way: Way, host: Host, params: Asked, signal: AbortSignal): Promise<Found> {
  const known = tried.get(host) ?? new Map<Way, Promise<Found>>();
  tried.set(host, known);
  const found = known.get(way) ?? ask(way, host, params, signal);
  known.set(way, found);
  found.catch(() => known.delete(way));
  return await found;
}

async function ask(way: Way, host: Host, params: Asked, signal: AbortSignal): Promise<Found> {
  if (way === 'chroot') return { because: host.uid === 0 ? 'it confines nothing' : 'only root can' };
  if (way === 'namespaces') return await tryNamespaces(host);
  if (way === 'podman') {
    return host.programs.has('podman') ? await probePodman(host, params.config, signal) : notThere;
  }
  const program = apptainerOf(host, params);
  return program === undefined ? notThere : await tryApptainer(host, program);
}

async function tryNamespaces(host: Host): Promise<Found> {
  const [ids = '', how = '', because = ''] = await controlOf(host).ask('probe');
  if (how === 'none') return { because };
  const kinds: Readonly<Record<string, string>> = {
    root: 'as root',
    subordinate: 'as a user with subordinate ids',
    single: 'as a user with one id',
  };
  return { works: `, ${kinds[ids] ?? ids}${how === 'copy' ? ', no overlay' : ''}` };
}

const notThere: Found = { because: 'it is not installed' };

async function tryApptainer(host: Host, program: string): Promise<Found> {
  const state = `${host.folder}/probe-${randomBytes(6).toString('hex')}`;
  const engine = engineOf({ program, image: `${state}/root`, tree: 'overlay' }, confined, state);
  const tree = { root: `${state}/root`, upper: `${state}/overlay/upper`, work: `${state}/overlay/work` };
  const fields = enclosureFields('probe', confined, tree, engine).flat().map(String);
  try {
    const waiter = waiterFor(host.machine).toString('hex');
    const [because] = await controlOf(host).ask('try', { state, digest: 'none', waiter }, fields);
    return because === undefined ? { works: '' } : { because: because.trim().replaceAll(/\s+/g, ' ').slice(-300) };
  } catch (error) {
    if (error instanceof RemoteFailed) return { because: error.because };
    if (error instanceof UserError) return { because: error.message };
    throw error;
  }
}

/** The one that is named, or what is there under one of both names; undefined where none is. */
export function apptainerOf({ programs }: Host, { program }: Pick<SshParams, 'program'>): string | undefined {
  return program ?? ['apptainer', 'singularity'].find((name) => programs.has(name));
}
