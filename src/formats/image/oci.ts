import { blobOf, created, imageConfig, type Blob, type ImageFacts } from './config.ts';
import type { ArchiveFile } from './members.ts';

/** The media type of a spec as an artifact. */
export const specType = 'application/vnd.repronim.spec.v1+yaml';

const types = {
  config: 'application/vnd.oci.image.config.v1+json',
  empty: 'application/vnd.oci.empty.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  spec: specType,
} as const;

/** What goes into a layout: the layer (gzip) as a file of this machine, and what is said of it. */
export interface Layout extends ImageFacts {
  readonly compressed: Blob & { readonly file: string };
  /** The spec's text, attached to the image as a referrer. */
  readonly spec: string | undefined;
  /** Further annotations of the image: of `org.opencontainers.image.*` those of annotations.md, and our own. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The name under which tools find it: `org.opencontainers.image.ref.name`. */
  readonly name: string;
}

/**
 * The files of an OCI image layout (image-spec 1.1, image-layout.md) with one image; the spec is an artifact whose
 * subject is the image, as registries keep such things beside an image.
 */
export function ociFiles(layout: Layout): readonly ArchiveFile[] {
  const { compressed, spec, name, architecture } = layout;
  const config = imageConfig(layout);
  const manifest = json({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(types.config, blobOf(config)),
    layers: [descriptor(types.layer, compressed)],
    annotations: {
      ...layout.annotations,
      'org.opencontainers.image.created': created,
      'org.opencontainers.image.title': name,
      ...(spec === undefined ? {} : { 'org.repronim.spec': blobOf(Buffer.from(spec)).digest }),
    },
  });
  const subject = descriptor(types.manifest, blobOf(manifest));
  const attached = spec === undefined ? undefined : attachment(Buffer.from(spec), subject);
  const index = json({
    schemaVersion: 2,
    mediaType: types.index,
    manifests: [
      {
        ...subject,
        annotations: { 'org.opencontainers.image.ref.name': name },
        platform: { architecture, os: 'linux' },
      },
      ...(attached === undefined ? [] : [attached.descriptor]),
    ],
  });
  return [
    { name: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', content: index },
    blob(config),
    blob(manifest),
    ...(attached?.files ?? []),
    { name: pathOf(compressed.digest), content: { file: compressed.file, size: compressed.size } },
  ];
}

function attachment(spec: Buffer, subject: object) {
  const empty = Buffer.from('{}');
  const manifest = json({
    schemaVersion: 2,
    mediaType: types.manifest,
    artifactType: types.spec,
    config: descriptor(types.empty, blobOf(empty)),
    layers: [
      {
        ...descriptor(types.spec, blobOf(spec)),
        annotations: { 'org.opencontainers.image.title': 'repronim.yaml' },
      },
    ],
    subject,
    annotations: { 'org.opencontainers.image.created': created },
  });
  return {
    descriptor: { ...descriptor(types.manifest, blobOf(manifest)), artifactType: types.spec },
    files: [blob(empty), blob(spec), blob(manifest)],
  };
}

function descriptor(mediaType: string, { digest, size }: Blob) {
  return { mediaType, digest, size };
}

function blob(content: Buffer): ArchiveFile {
  return { name: pathOf(blobOf(content).digest), content };
}

function pathOf(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
