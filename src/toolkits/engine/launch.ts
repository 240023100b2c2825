import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { posix } from 'node:path';

import { UserError } from '../../model/index.ts';
import type {
  BackendContext,
  Confinement,
  ImageRecord,
  Instance,
  InstanceRecord,
  Rootfs,
} from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { dropParts, settled } from './assemble.ts';
import { connectEngine, EngineError, type Engine } from './client.ts';
import { containerConfig, inspectContainer, keeperFor, removeContainer } from './container.ts';
import { inspectImage, labels } from './image.ts';
import { directInstance, engineInstance, findContainer, readFacts, type ContainerRecord } from './instance.ts';
import type { EngineKind, Limit } from './kind.ts';
import type { EngineParams } from './params.ts';

/** Makes a container of the image and starts it. What it will be called is recorded before it is there. */
export async function launch(
  kind: EngineKind,
  image: ImageRecord,
  rootfs: Rootfs,
  name: string,
  confinement: Confinement,
  params: EngineParams,
  context: BackendContext,
): Promise<Instance> {
  const engine = await connectEngine(kind, params.host, context.signal);
  const facts = {
    host: engine.address,
    container: `repronim-${name}`,
    token: randomUUID(),
    added: await missingPaths(rootfs.directory, confinement),
  };
  const found = await inspectImage(engine, image.reference);
  if (found?.Config?.Labels?.[labels.lock] !== `sha256:${image.rootfs}`) {
    throw new UserError(`${engine.label} has no image ${image.reference} of ours`, {
      hint: 'somebody has removed it: create again',
    });
  }
  if (kind.makesMounts) checkMounts(engine, confinement);
  checkPorts(confinement, params);
  const gpus = params.gpus === undefined ? [] : kind.gpus(params.gpus, engine.server);
  await context.record({ ...facts });
  const id = await make({ engine, image: found.Id, rootfs, name, confinement, params, gpus, facts });
  await context.record({ ...facts, id, made: true });
  return instanceOf(kind, name, { ...facts, id }, params, async () => engine);
}

export async function attach(
  kind: EngineKind,
  record: InstanceRecord,
  params: EngineParams,
  context: BackendContext,
): Promise<Instance> {
  const facts = readFacts(record);
  const host = facts?.host ?? params.host ?? kind.find(undefined).address;
  // cut short before anything was made: there is nothing that could have its token
  const nothing = { host, container: `repronim-${record.name}`, token: randomUUID(), added: [] };
  const connect = async () => await connectEngine(kind, host, context.signal);
  return await instanceOf(kind, record.name, facts ?? nothing, params, connect);
}

async function instanceOf(
  kind: EngineKind,
  name: string,
  facts: ContainerRecord,
  params: EngineParams,
  connect: () => Promise<Engine>,
): Promise<Instance> {
  const { id } = facts;
  const direct = id === undefined ? undefined : kind.direct?.(kind.find(facts.host));
  const served = async () => engineInstance(await connect(), name, facts, params);
  if (id === undefined || direct === undefined) return await served();
  return directInstance(direct, { name, id, kind, params }, served);
}

/** Removes the container of a record, and steps towards its image, if they are there. Idempotent. */
export async function sweep(
  kind: EngineKind,
  record: InstanceRecord,
  params: EngineParams,
  context: BackendContext,
): Promise<void> {
  const facts = readFacts(record);
  if (facts === undefined && record.image.reference === '') return; // nothing was asked of any daemon
  const engine = await connectEngine(kind, facts?.host ?? params.host, context.signal);
  const drop = async (): Promise<boolean> => {
    const found = facts === undefined ? undefined : await findContainer(engine, facts);
    if (found !== undefined) await removeContainer(engine, found.Id);
    return found !== undefined;
  };
  if (facts === undefined || record.facts['made'] === true) await drop();
  else await settled(drop);
  await dropParts(engine, record.image.rootfs);
}

interface Making {
  readonly engine: Engine;
  readonly image: string;
  readonly rootfs: Rootfs;
  readonly name: string;
  readonly confinement: Confinement;
  readonly params: EngineParams;
  readonly gpus: readonly object[];
  readonly facts: ContainerRecord;
}

/** Creates and starts it, in the first way that the engine takes; its number. */
async function make(making: Making): Promise<string> {
  const { kind, endpoint } = making.engine;
  let way: Way = { init: true, limits: kind.limits?.(endpoint) ?? [], isLower: false };
  for (;;) {
    const refused = await tryOut(making, way);
    if (typeof refused === 'string') return refused;
    const lower = kind.lowerLimits?.(refused.message);
    if (lower !== undefined && !way.isLower) way = { init: way.init, limits: lower, isLower: true };
    // an engine without an init of its own refuses, each in its words: what is wrong then is said without
    else if (way.init) way = { init: false, limits: way.limits, isLower: way.isLower };
    else {
      throw new UserError(`cannot create ${making.name}: ${refused.message}`, {
        cause: refused,
        status: refused.status,
        ...(refused.hint !== undefined && { hint: refused.hint }),
      });
    }
  }
}

/** With the engine's own init in front, or without; with limits that any engine may give, or not. */
interface Way {
  readonly init: boolean;
  readonly limits: readonly Limit[];
  readonly isLower: boolean;
}

/** Its number, or what the engine said where it did not start; then nothing is left of it. */
async function tryOut(making: Making, { init, limits }: Way): Promise<string | EngineError> {
  const { engine, facts } = making;
  const keeper = await keeperFor(making.rootfs.directory, init);
  try {
    const id = await create(making, containerConfig({ ...making, token: facts.token, keeper, init, limits }));
    await engine.call('POST', `/containers/${id}/start`);
    return id;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if ((await findContainer(engine, facts)) !== undefined) await removeContainer(engine, facts.container);
    return error;
  }
}

async function create({ engine, name, facts, params }: Making, json: unknown): Promise<string> {
  try {
    const query = { name: facts.container, platform: params.platform };
    return ((await engine.call('POST', '/containers/create', { query, json })) as { readonly Id: string }).Id;
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 409) throw error;
    const other = await inspectContainer(engine, facts.container);
    const of = other?.Config.Labels?.[labels.instance];
    throw new UserError(`${engine.label} has a container named ${facts.container} already`, {
      hint: `${of === undefined ? 'it is not ours' : `it is the instance ${of} of somebody else, or of another state folder`}: ${engine.kind.name} rm ${facts.container}, or choose another name than ${name}`,
      cause: error,
    });
  }
}

function checkPorts({ network }: Confinement, params: EngineParams): void {
  if (params.ports === undefined || (network === 'host' && params.network !== 'none')) return;
  throw new UserError('ports are let out only where there is a network', { status: 2, hint: 'add --network' });
}

/** Of another machine nothing is known. */
function checkMounts({ endpoint }: Engine, { mounts }: Confinement): void {
  const missing = mounts.find(({ source }) => endpoint.socketPath !== undefined && !existsSync(source));
  if (missing !== undefined) throw new UserError(`${missing.source}, which is to be mounted, is not there`);
}

/** Where the engine makes folders (or files) for mounts, because the rootfs has none: parents first. */
async function missingPaths(directory: string, confinement: Confinement): Promise<string[]> {
  const root = localRoot(directory);
  const missing: string[] = [];
  for (const { path } of confinement.mounts) {
    const parts = path.split('/').filter((part) => part !== '');
    let at = '/';
    for (const part of parts) {
      const next = posix.join(at, part);
      const [real] = await root.realpath([next]);
      if (real === undefined) missing.push(next);
      at = real ?? next;
    }
  }
  return [...new Set(missing)];
}
