import { isDiskFull, runId, sha256, UserError, type ContentRef, type Note, type Spec } from '../model/index.ts';
import type { AnyBackend, Confinement, ImageRecord, Instance, Obtained, Rootfs } from '../contract/index.ts';
import type { Claim } from '../inventory/shelf.ts';
import type { ImageValue, InstanceValue, RootfsValue } from '../inventory/inventory.ts';
import { lacksOf } from './lacks.ts';
import { activationsOf, activeFor, environmentOf } from './activation.ts';
import { withBackendSteps } from './create/backend-steps.ts';
import { buildRootfs, usableRootfs, type Built, type BuiltRootfs } from './create/build-rootfs.ts';
import { nativeTree } from './create/native-tree.ts';
import { backendOf, paramsOf } from './backend-of.ts';
import { contextOf, type House } from './house.ts';
import { bytesIn } from '../roots/tree-size.ts';
import { explainFull } from './full-disk.ts';
import { createInPlace, refuseConfined, type InPlaceOptions, type LaidInPlace } from './in-place/create-in-place.ts';
import { takeBackFrom } from './in-place/take-back.ts';

export interface CreateRequest {
  readonly name: string;
  readonly backend: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Absent where it is made from an image that has none. */
  readonly spec?: Spec;
  /** The spec as it was read, in the store: what `verify NAME` compares with. */
  readonly source?: Pick<ContentRef, 'sha256'>;
  /** The image that it is made from; default: that of the spec, which is built where it is not there. */
  readonly image?: RootfsValue;
  readonly confinement: Confinement;
  /** Of those that are made together. */
  readonly group?: string;
  /** `native`: not the exact tree, but the image that the distribution publishes, with the packages put into it. */
  readonly base?: 'exact' | 'native';
  /** For places that are there already. */
  readonly inPlace?: InPlaceOptions;
}

export interface Created {
  readonly name: string;
  readonly backend: string;
  readonly instance: Instance;
  /** Absent where it is a place that was there before. */
  readonly rootfs?: BuiltRootfs;
  /** What was done to a place that was there before. */
  readonly inPlace?: LaidInPlace;
  /** What was got from where; absent where the rootfs was there already. */
  readonly obtained?: Obtained;
  /** What it does not bring. */
  readonly lacks: readonly Note[];
  readonly milliseconds: number;
}

/** An environment from an exact spec: its rootfs, an image of it, an instance of that. */
export async function create(asked: CreateRequest, house: House): Promise<Created> {
  const started = performance.now();
  const backend = backendOf(asked.backend, house.backends);
  const request = await withBackendSteps(asked, backend.name, house);
  const params = paramsOf(backend, request.params);
  const probed = await backend.probe(params, contextOf(house));
  const trusted = request.confinement.level === 'trusted';
  if (!probed.usable && !(trusted && probed.whenTrusted === true)) {
    throw new UserError(`cannot create ${request.name} with ${backend.name}: ${probed.because}`, {
      status: 4,
      hint: probed.hint,
    });
  }
  const value = (image: ImageRecord, facts = {}): InstanceValue => ({
    name: request.name,
    backend: backend.name,
    image,
    confinement: request.confinement,
    facts,
    ...(request.source === undefined ? {} : { spec: request.source.sha256 }),
    ...(request.group === undefined ? {} : { group: request.group }),
    params: request.params,
    entered:
      request.spec === undefined ? { directory: '/', environment: {} } : enteredAs(request.spec, house.distributions),
  });
  const none: ImageRecord = { backend: backend.name, reference: '', rootfs: '' };
  await using claim = await house.inventory.instances.reserve(request.name, value(none));
  try {
    const inPlace = await openInPlace(request, claim, { backend, params }, house);
    if (inPlace !== undefined) {
      const image: ImageRecord = { ...none, reference: inPlace.label };
      await claim.commit(value(image, inPlace.facts));
      const context = { ...contextOf(house), state: claim.folder, record: async () => {} };
      return {
        name: request.name,
        backend: backend.name,
        instance: await backend.attach(value(image, inPlace.facts), params, context),
        inPlace: inPlace.done,
        obtained: inPlace.obtained,
        lacks: lacksOf(request.spec, house.distributions),
        milliseconds: performance.now() - started,
      };
    }
    const need = async (digest: string) => await claim.record(value({ ...none, rootfs: digest }));
    const { rootfs, obtained } = await rootfsFor(request, need, house, trusted);
    const image = await imageOf(backend, rootfs, params, request.params, house);
    let facts = {};
    await claim.record(value(image));
    const instance = await backend.launch(image, rootfs, request.name, request.confinement, params, {
      ...contextOf(house),
      state: claim.folder,
      record: async (next) => {
        facts = next;
        await claim.record(value(image, next));
      },
    });
    await claim.commit(value(image, facts));
    return {
      name: request.name,
      backend: backend.name,
      instance,
      rootfs,
      ...(obtained === undefined ? {} : { obtained }),
      lacks: lacksOf(request.spec, house.distributions),
      milliseconds: performance.now() - started,
    };
  } catch (error) {
    throw await takenBack(error, claim, backend, params, house);
  }
}

/** What the spec has over its base, laid over a place that is there; undefined where places are made from files. */
async function openInPlace(
  request: CreateRequest,
  claim: Claim<InstanceValue>,
  { backend, params }: { readonly backend: AnyBackend; readonly params: unknown },
  house: House,
) {
  const { value } = claim.held;
  let facts: Readonly<Record<string, unknown>> = {};
  const session = await backend.open?.(params, {
    ...contextOf(house),
    state: claim.folder,
    record: async (next) => {
      facts = next;
      if (value !== undefined) await claim.record({ ...value, facts: next });
    },
  });
  if (session === undefined) return undefined;
  await using place = session;
  const { name, spec, confinement } = request;
  const { label } = place.root;
  if (spec === undefined || request.image !== undefined) {
    throw new UserError(`${label} is not made from images`, { status: 2, hint: 'name a spec' });
  }
  refuseConfined({ name, label, confinement });
  const options = request.inPlace ?? { allowSystem: false, force: false };
  const answer = await createInPlace({ name, label, spec, confinement, options, folder: claim.folder }, place, house);
  return { ...answer, label, facts };
}

/** `need` writes down which tree it will stand on, before that is looked for: from then on it is not pruned. */
async function rootfsFor(
  { spec, image, base }: CreateRequest,
  need: (digest: string) => Promise<void>,
  house: House,
  trusted: boolean,
): Promise<Built> {
  if (image !== undefined) {
    await need(image.digest);
    const rootfs = await usableRootfs(image.digest, house);
    if (rootfs !== undefined) return { rootfs };
    throw new UserError('the image has been removed meanwhile', { hint: 'repronim image ls lists what there is' });
  }
  if (spec === undefined) throw new Error('neither a spec nor an image');
  const native = base === 'native' ? await nativeTree(spec, house) : undefined;
  return await buildRootfs(spec, house, trusted, native, need);
}

/** How an instance of a spec is entered where nothing else is said: as its first run was run. */
export function enteredAs(spec: Spec, distributions: House['distributions']): InstanceValue['entered'] {
  const [run] = spec.runs ?? [];
  const as = run === undefined ? undefined : spec.lock?.runs?.[runId(run, 0)]?.as;
  const activations = activationsOf(spec, distributions);
  return {
    directory: run?.directory ?? '/',
    ...(as === undefined ? {} : { as }),
    environment: environmentOf(spec, run),
    activations,
    with: activeFor(spec, run, activations),
  };
}

async function imageOf(
  backend: AnyBackend,
  rootfs: Rootfs,
  params: unknown,
  given: Readonly<Record<string, unknown>>,
  house: House,
): Promise<ImageRecord> {
  const key = backend.imageKey?.(params);
  const name = [backend.name, rootfs.digest, ...(key === undefined ? [] : [sha256(key).slice(0, 12)])].join('-');
  const value = (image: ImageRecord, facts = {}): ImageValue => ({ ...image, params: given, facts });
  const none: ImageRecord = { backend: backend.name, reference: '', rootfs: rootfs.digest };
  await using claim = await house.inventory.images.hold(name, value(none));
  let facts = {};
  let image = none;
  // asked also where the inventory has it: the backend may have lost it
  image = await backend.assemble(rootfs, params, {
    ...contextOf(house),
    state: claim.folder,
    record: async (next) => {
      facts = next;
      await claim.record(value(image, next));
    },
  });
  await claim.commit(value(image, facts));
  return image;
}

/** What went wrong, once what there was of the instance is taken away; where that can't be done now, what to do. */
async function takenBack(
  error: unknown,
  claim: Claim<InstanceValue>,
  backend: AnyBackend,
  params: unknown,
  house: House,
): Promise<unknown> {
  const { name } = claim;
  const tree = (await house.inventory.instances.find(name))?.value?.image.rootfs ?? '';
  const laid = tree === '' ? undefined : (await house.inventory.rootfs.find(tree))?.value?.directory;
  const about = isDiskFull(error) && laid !== undefined ? { about: await bytesIn(laid) } : undefined;
  const told = explainFull(error, `cannot create ${name} with ${backend.name}`, house.places, about);
  try {
    await sweep(claim, backend, params, house);
    return told;
  } catch (second) {
    if (!(second instanceof UserError)) throw second;
    const isUser = told instanceof UserError;
    return new UserError(isUser ? told.message : String(told), {
      hint: `${(isUser ? told.hint : undefined) ?? 'once that is mended'}; then repronim delete ${name} takes away what there is of it`,
      status: isUser ? told.status : 1,
      details: [
        ...(isUser ? told.details : []),
        ...(isUser && second.message === told.message ? [] : [second.message]),
      ],
      cause: error,
    });
  }
}

/** Takes away what was made of an instance that did not come to be. */
async function sweep(claim: Claim<InstanceValue>, backend: AnyBackend, params: unknown, house: House): Promise<void> {
  const held = await house.inventory.instances.find(claim.name);
  const record = held?.value;
  if (record !== undefined) {
    await takeBackFrom(claim, backend, params, house);
    await backend.sweep(record, params, { ...contextOf(house), state: claim.folder, record: async () => {} });
  }
  await claim.remove();
}
