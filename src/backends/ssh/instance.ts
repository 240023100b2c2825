import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';

import * as v from 'valibot';

import type {
  BackendContext,
  Confinement,
  ExecOptions,
  ImageRecord,
  Instance,
  InstanceRecord,
  InstanceStatus,
} from '../../contract/index.ts';
import { UserError, type Argv } from '../../model/index.ts';
import type { Fields } from '../../sessions/enter.ts';
import { cannotEnclose } from '../../sessions/held.ts';
import { RemoteFailed } from '../../sessions/ssh/channel.ts';
import { controlOf } from '../../sessions/ssh/control.ts';
import { openHost, type Host } from '../../sessions/ssh/host.ts';
import { execInstance, sshSession } from '../../sessions/ssh.ts';
import { engineOf } from '../../toolkits/apptainer/engine.ts';
import { waiterFor } from '../../toolkits/apptainer/waiter.ts';
import { apptainerOf, chooseWay } from './choose-way.ts';
import { enclosureFields } from './enclosure-fields.ts';
import { ownedAsCarried } from './owners.ts';
import type { SshParams } from './params.ts';
import { nameOf } from './reach.ts';

/** What the inventory keeps of an instance. */
const factsSchema = v.object({
  host: v.string(),
  folder: v.string(),
  /** The control socket of the connection, on this machine: gone a minute after its last use. */
  socket: v.string(),
  /** Its folder there, of a name that nobody else has. */
  state: v.string(),
  digest: v.string(),
  /** `overlay`: laid over the tree; `copy`: one of its own, where nothing can be laid over. */
  tree: v.picklist(['overlay', 'copy']),
  /** What makes the enclosure: we, or the host's apptainer. */
  enter: v.optional(v.picklist(['namespaces', 'apptainer']), 'namespaces'),
  program: v.optional(v.string()),
  /** Whether it is entered by a bare chroot: nothing can be mounted there, and it is trusted. */
  bare: v.optional(v.boolean(), false),
});

type Facts = v.InferOutput<typeof factsSchema>;

/** Makes an instance there, the best that can be had: an overlay, or a copy. */
export async function launch(
  image: ImageRecord,
  name: string,
  confinement: Confinement,
  params: SshParams,
  context: BackendContext,
): Promise<Instance> {
  const { folder } = params;
  const named = nameOf(params);
  const host = await reach({ host: named, folder }, params);
  const chosen = await chooseWay(host, params, context.signal);
  const way = chosen.usable ? chosen.way : (params.enter ?? 'auto');
  const facts: Facts = {
    host: named,
    folder: host.folder,
    socket: host.connection.socket,
    state: `${host.folder}/instances/${name}-${randomBytes(6).toString('hex')}`,
    digest: image.rootfs,
    tree: 'overlay',
    ...(way === 'apptainer' ? { enter: way, program: apptainerOf(host, params) ?? way } : { enter: 'namespaces' }),
    bare: false,
  };
  if (way === 'chroot' && confinement.mounts.length > 0) {
    throw new UserError('nothing can be mounted into a bare chroot', { status: 2, hint: 'leave --mount out' });
  }
  await context.record(facts);
  const failed =
    way === 'chroot'
      ? new RemoteFailed('enter=chroot', 'a bare chroot confines nothing')
      : await tryOverlay(host, name, facts, confinement);
  if (failed === undefined) return instanceOf(name, confinement, facts, params);
  // Where not even namespaces can be had, a copy would not help.
  const bare = facts.enter === 'namespaces' && failed.step !== 'overlay';
  if (facts.enter === 'apptainer' && !/overlay/.test(failed.because)) {
    await controlOf(host).ask('remove', { state: facts.state });
    throw cannotEnclose(failed.step, failed.because);
  }
  if (bare && (confinement.level === 'confined' || host.uid !== 0 || failed.step.startsWith('mount '))) {
    await controlOf(host).ask('remove', { state: facts.state });
    throw cannotEnclose(failed.step, failed.because);
  }
  context.onProgress({ step: 'create', what: 'copying the tree: nothing can be laid over it there' });
  const copy: Facts = { ...facts, tree: 'copy', bare };
  await context.record(copy);
  await controlOf(host).ask('copy', { state: facts.state, digest: facts.digest, below: treeOf(facts) });
  if (bare) {
    const [because] = [cannotEnclose(failed.step, failed.because).message];
    const finished = `${name} is a bare chroot, with a copy of the tree: it is trusted, and not confined`;
    context.onProgress({ step: 'create', finished, details: [because] });
  }
  return instanceOf(name, confinement, copy, params);
}

export async function attach(record: InstanceRecord, params: SshParams): Promise<Instance> {
  return instanceOf(record.name, record.confinement, v.parse(factsSchema, record.facts), params);
}

/** Takes away what a record names; one that was cut short may name nothing yet. */
export async function sweep(record: InstanceRecord, params: SshParams): Promise<void> {
  const facts = v.safeParse(factsSchema, record.facts);
  if (!facts.success) return;
  const host = await reach(facts.output, params);
  await controlOf(host).ask('remove', { state: facts.output.state });
  await host.connection.close();
}

function instanceOf(name: string, confinement: Confinement, facts: Facts, params: SshParams): Instance {
  const { state, tree } = facts;
  const fields = fieldsOf(name, confinement, facts);
  const there = { state, fields, ...(tree === 'copy' ? { tree: `${state}/copy` } : {}), bare: facts.bare };
  const open = async () => await reach(facts, params);
  const status = async (): Promise<InstanceStatus> => {
    const parts = { state, tree: tree === 'copy' ? 'copy' : `${aboveOf(facts)}upper` };
    const below = tree === 'copy' ? {} : { below: treeOf(facts) };
    const [is = ''] = await controlOf(await open()).ask('status', { ...parts, ...below });
    return statuses.find((known) => known === is) ?? 'broken';
  };
  /** What keeps it from being entered, as an error for people. */
  const explained = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RemoteFailed)) throw error;
      const is = await status();
      if (is === 'gone' || is === 'broken') {
        throw new UserError(`${name} is ${is} on ${facts.host}: its files are not there any more`, {
          hint: `repronim delete ${name}, and create it again`,
          cause: error,
        });
      }
      throw cannotEnclose(error.step, error.because);
    }
  };
  return {
    name,
    status,
    async start() {
      if (facts.bare) return; // nothing that could run by itself
      await explained(async () => await controlOf(await open()).ask('start', { state }, flat(fields)));
    },
    async stop() {
      const host = await open();
      await controlOf(host).ask('stop', { state });
      await host.connection.close();
    },
    async exec(argv: Argv, options: ExecOptions) {
      return await explained(async () => await execInstance(await open(), name, there, argv, options));
    },
    async session() {
      const host = await open();
      const control = controlOf(host);
      const held = facts.bare
        ? undefined
        : await explained(async () => await control.hold('hold', { state }, flat(fields)));
      const dispose = async () => await held?.release();
      const session = sshSession({ host, label: name, instance: there, dispose });
      return { ...session, root: ownedAsCarried(session.root, async () => await askOwners(host, facts.digest)) };
    },
    async remove() {
      const host = await open();
      await controlOf(host).ask('remove', { state });
      await host.connection.close();
    },
  };
}

async function askOwners(host: Host, digest: string): Promise<ReadonlyMap<string, string> | undefined> {
  if (host.uid === 0) return undefined;
  const answers = await controlOf(host).ask('owners', { digest });
  if (answers.length === 0) return undefined;
  const paths = answers.filter((_, index) => index % 2 === 0);
  return new Map(paths.map((path, index) => [path, answers[2 * index + 1] ?? '0 0']));
}

const statuses = ['running', 'stopped', 'gone', 'broken'] as const;

async function reach(facts: Pick<Facts, 'host' | 'folder'>, { config }: SshParams): Promise<Host> {
  return await openHost(facts.host, { folder: facts.folder, ...(config === undefined ? {} : { config }) });
}

function treeOf({ folder, digest }: Facts): string {
  return posix.join(folder, 'rootfs', digest, 'tree');
}

/** Where below its folder its changes are. */
function aboveOf({ enter }: Facts): string {
  return enter === 'apptainer' ? 'overlay/' : '';
}

/** What its holder is made from. */
function fieldsOf(name: string, confinement: Confinement, facts: Facts): Fields {
  const { state, enter, program = '', tree: kind } = facts;
  const root = kind === 'copy' ? `${state}/copy` : treeOf(facts);
  const above = `${state}/${aboveOf(facts)}`;
  const tree = kind === 'copy' ? { root } : { root, upper: `${above}upper`, work: `${above}work` };
  const engine = enter === 'apptainer' ? engineOf({ program, image: root, tree: kind }, confinement, state) : undefined;
  return enclosureFields(name, confinement, tree, engine);
}

function flat(fields: Fields): string[] {
  return fields.flatMap(([key, value]) => [key, String(value)]);
}

/** Undefined where it can be entered, else why not. */
async function tryOverlay(
  host: Host,
  name: string,
  facts: Facts,
  confinement: Confinement,
): Promise<RemoteFailed | undefined> {
  const { state, digest } = facts;
  const control = controlOf(host);
  const mounts = confinement.mounts.map(({ source }) => Buffer.from(source).toString('hex')).join('\n');
  try {
    const waiter = facts.enter === 'apptainer' ? { waiter: waiterFor(host.machine).toString('hex') } : {};
    await control.ask('make', { state, digest, below: treeOf(facts), mounts, ...waiter });
  } catch (error) {
    if (!(error instanceof RemoteFailed) || error.step !== 'mount') throw error;
    const source = Buffer.from(error.because, 'hex').toString();
    throw new UserError(`there is no ${source} on ${facts.host} to be mounted`, { status: 2, cause: error });
  }
  try {
    const held = await control.hold('hold', { state }, flat(fieldsOf(name, confinement, facts)));
    await held.release();
    return undefined;
  } catch (error) {
    if (error instanceof RemoteFailed) return error;
    throw error;
  }
}
