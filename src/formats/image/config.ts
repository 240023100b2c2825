import { sha256 } from '../../model/index.ts';

/** What an image says of itself; the same facts are the same bytes. */
export interface ImageFacts {
  /** As Go names it: `amd64`. */
  readonly architecture: string;
  /** The digest of the one layer, uncompressed. */
  readonly layer: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What is started when nothing is said. */
  readonly command: readonly string[];
}

/** No image of ours has a date: two builds of one lock are one image. */
export const created = '1970-01-01T00:00:00Z';

/** The image's configuration as bytes: OCI image-spec, config.md. */
export function imageConfig(facts: ImageFacts): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: facts.architecture,
      config: { Cmd: facts.command, Env: [], Labels: facts.labels },
      created,
      history: [{ created, created_by: 'repronim' }],
      os: 'linux',
      rootfs: { diff_ids: [facts.layer], type: 'layers' },
    }),
  );
}

/** Content with its name in a layout, and what a descriptor says of it. */
export interface Blob {
  readonly digest: string;
  readonly size: number;
}

export function blobOf(content: Buffer): Blob {
  return { digest: `sha256:${sha256(content)}`, size: content.length };
}
