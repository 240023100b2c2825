import { createHash } from 'node:crypto';

import { UserError } from '../../model/index.ts';

/** What an image is made of, as its manifest and configuration say; nothing about it is to be trusted. */
export interface ImageParts {
  readonly layers: readonly {
    /** Where it is among the image's files. */
    readonly path: string;
    /** As people know it. */
    readonly name: string;
    /** The digest of the layer's tar, uncompressed: `sha256:…`. */
    readonly diffId: string;
  }[];
}

/** One entry of an OCI index, or what a manifest names. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly platform: { readonly os: string; readonly architecture: string } | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** An entry of `manifest.json` of what `docker save` writes. */
export interface SavedImage {
  readonly config: string;
  readonly tags: readonly string[];
  readonly layers: readonly string[];
}

/** Docker itself stops at 127. */
const mostLayers = 1000;
const mostEntries = 10_000;

type Json = Readonly<Record<string, unknown>>;

/** `manifest.json`; undefined where it is another one of that name. */
export function readSaved(bytes: Buffer): readonly SavedImage[] | undefined {
  const list = parse(bytes);
  if (!Array.isArray(list) || list.length === 0 || list.length > mostEntries) return undefined;
  const images = list.map((entry): SavedImage | undefined => {
    if (!isObject(entry)) return undefined;
    const { Config: config, Layers: layers, RepoTags: tags } = entry;
    if (typeof config !== 'string' || !isTexts(layers)) return undefined;
    return { config, layers, tags: isTexts(tags) ? tags : [] };
  });
  return images.every((image) => image !== undefined) ? images : undefined;
}

/** The entries of an OCI index or Docker manifest list; undefined where it is none. */
export function readIndex(bytes: Buffer): readonly Descriptor[] | undefined {
  const index = parse(bytes);
  if (!isObject(index) || !Array.isArray(index['manifests']) || index['manifests'].length > mostEntries) {
    return undefined;
  }
  return index['manifests'].map(toDescriptor).filter((entry) => entry !== undefined);
}

/** The configuration and layers that an OCI or Docker (schema 2) manifest names; undefined where it is none. */
export function readManifest(
  bytes: Buffer,
): { readonly config: Descriptor; readonly layers: readonly Descriptor[] } | undefined {
  const manifest = parse(bytes);
  if (!isObject(manifest) || !Array.isArray(manifest['layers'])) return undefined;
  const config = toDescriptor(manifest['config']);
  const layers = manifest['layers'].map(toDescriptor).filter((entry) => entry !== undefined);
  if (config === undefined || layers.length !== manifest['layers'].length) return undefined;
  return { config, layers };
}

/** The digests of the layers' tars that an image's configuration has, in order; undefined where it is none. */
export function readDiffIds(bytes: Buffer): readonly string[] | undefined {
  const config = parse(bytes);
  const rootfs = isObject(config) ? config['rootfs'] : undefined;
  const ids = isObject(rootfs) ? rootfs['diff_ids'] : undefined;
  return isTexts(ids) && ids.length <= mostLayers ? ids : undefined;
}

/**
 * The one image that is meant: that of the name, else the only one, else the one for this machine. Throws UserError 2
 * where that does not tell, with the names that there are.
 */
export function chooseImage(entries: readonly Descriptor[], wanted: string | undefined, label: string): Descriptor {
  const images = entries.filter(
    ({ annotations, platform }) => annotations['vnd.docker.reference.type'] === undefined && platform?.os !== 'unknown',
  );
  const named = wanted === undefined ? images : images.filter((entry) => namesOf(entry).includes(wanted));
  if (named.length === 0) throw noSuch(label, wanted, images.flatMap(namesOf));
  const here = named.filter(({ platform }) => platform?.os === 'linux' && platform.architecture === architecture);
  const found = named.length === 1 ? named : here;
  if (found.length === 1) return found[0] as Descriptor;
  throw severalIn(label, (found.length === 0 ? named : found).flatMap(namesOf));
}

/** The same for what `docker save` has written. */
export function chooseSaved(images: readonly SavedImage[], wanted: string | undefined, label: string): SavedImage {
  const named = wanted === undefined ? images : images.filter(({ tags }) => tags.some((tag) => isNamed(tag, wanted)));
  const names = images.flatMap(({ tags }) => tags);
  if (named.length === 0) throw noSuch(label, wanted, names);
  if (named.length > 1) throw severalIn(label, names);
  return named[0] as SavedImage;
}

/** A function that makes digests of this kind. Throws UserError for a kind that is not known. */
export function digester(digest: string, label: string): ReturnType<typeof createHash> {
  const [, algorithm] = /^(sha256|sha512):[0-9a-f]{64,128}$/.exec(digest) ?? [];
  if (algorithm === undefined) throw new UserError(`${label} has a digest that is none: ${digest.slice(0, 80)}`);
  return createHash(algorithm);
}

/** Throws UserError where bytes are not what their digest says. */
export function checkDigest(bytes: Buffer, digest: string, label: string): void {
  if (digest.endsWith(`:${digester(digest, label).update(bytes).digest('hex')}`)) return;
  throw new UserError(`${label} is broken: its ${digest} has another content`);
}

const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

function namesOf({ annotations }: Descriptor): string[] {
  const tag = annotations['org.opencontainers.image.ref.name'];
  const name = annotations['io.containerd.image.name'];
  return [...new Set([tag, name].filter((one) => one !== undefined))];
}

function isNamed(tag: string, wanted: string): boolean {
  return tag === wanted || tag === `${wanted}:latest` || tag.endsWith(`:${wanted}`);
}

function noSuch(label: string, wanted: string | undefined, names: readonly string[]): UserError {
  if (wanted === undefined) return new UserError(`${label} has no image in it`, { status: 2 });
  return new UserError(`${label} has no image ${wanted}`, { status: 2, hint: `there are: ${listed(names)}` });
}

function severalIn(label: string, names: readonly string[]): UserError {
  return new UserError(`${label} has several images`, {
    status: 2,
    hint: names.length === 0 ? 'and none of them has a name' : `say which, after a colon: ${listed(names)}`,
  });
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none that has a name' : names.slice(0, 10).join(', ');
}

function toDescriptor(entry: unknown): Descriptor | undefined {
  if (!isObject(entry) || typeof entry['digest'] !== 'string') return undefined;
  const { digest, mediaType, platform, annotations } = entry;
  return {
    digest,
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    platform: isObject(platform)
      ? { os: String(platform['os']), architecture: String(platform['architecture']) }
      : undefined,
    annotations: isObject(annotations)
      ? Object.fromEntries(
          Object.entries(annotations).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
        )
      : {},
  };
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= mostEntries && value.every((one) => typeof one === 'string');
}
