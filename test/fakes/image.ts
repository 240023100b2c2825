import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { sha256 } from '../../src/model/index.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from '../../src/roots/tar-header.ts';

export type TarMember = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

/** A tar, byte by byte. */
export function tarOf(members: readonly TarMember[]): Buffer {
  const parts = members.flatMap(({ content = '', ...header }) => {
    const body = Buffer.from(content as string);
    const type = header.type ?? (header.name.endsWith('/') ? 'directory' : 'file');
    const name = header.name.replace(/\/$/, '');
    const mode = type === 'directory' ? 0o755 : 0o644;
    const full: Header = { mode, uid: 0, gid: 0, size: body.length, mtimeMs: 0, ...header, type, name };
    return [encodeHeader(full), body, tarPadding(body.length)];
  });
  return Buffer.concat([...parts, tarEnd]);
}

interface Layer {
  /** Uncompressed. */
  readonly tar: Buffer;
  readonly pack?: (tar: Buffer) => Buffer;
}

/** An image as the files that an OCI layout has it in. */
export function ociLayout(
  images: readonly {
    readonly name?: string;
    readonly platform?: { readonly os: string; readonly architecture: string };
    readonly layers: readonly Layer[];
  }[],
): Map<string, Buffer> {
  const files = new Map<string, Buffer>([['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')]]);
  const blob = (content: Buffer, mediaType: string) => {
    files.set(`blobs/sha256/${sha256(content)}`, content);
    return { mediaType, digest: `sha256:${sha256(content)}`, size: content.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const manifests = images.map(({ name, platform, layers }) => {
    const config = {
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => `sha256:${sha256(tar)}`) },
    };
    const manifest = {
      schemaVersion: 2,
      config: blob(json(config), 'application/vnd.oci.image.config.v1+json'),
      layers: layers.map(({ tar, pack = (whole) => whole }) =>
        blob(pack(tar), 'application/vnd.oci.image.layer.v1.tar'),
      ),
    };
    return {
      ...blob(json(manifest), 'application/vnd.oci.image.manifest.v1+json'),
      ...(platform !== undefined && { platform }),
      ...(name !== undefined && { annotations: { 'org.opencontainers.image.ref.name': name } }),
    };
  });
  files.set('index.json', json({ schemaVersion: 2, manifests }));
  return files;
}

/** What `docker save` writes; `legacy`: as before version 25, where a layer that comes twice is a link. */
export function dockerArchive(tag: string, layers: readonly Buffer[], legacy = false): Buffer {
  const config = Buffer.from(
    JSON.stringify({ rootfs: { type: 'layers', diff_ids: layers.map((tar) => `sha256:${sha256(tar)}`) } }),
  );
  const names = layers.map((tar, index) => (legacy ? `${index}/layer.tar` : `blobs/sha256/${sha256(tar)}`));
  const seen = new Map<string, string>();
  const members = layers.map((tar, index): TarMember => {
    const name = names[index] ?? '';
    const digest = sha256(tar);
    const first = seen.get(digest);
    seen.set(digest, first ?? name);
    return first === undefined ? { name, content: tar } : { name, type: 'link', target: `../${first}` };
  });
  const configName = legacy ? `${sha256(config)}.json` : `blobs/sha256/${sha256(config)}`;
  const manifest = Buffer.from(JSON.stringify([{ Config: configName, RepoTags: [tag], Layers: names }]));
  return tarOf([...members, { name: configName, content: config }, { name: 'manifest.json', content: manifest }]);
}

/** Writes files below a folder. */
export function writeFiles(folder: string, files: ReadonlyMap<string, Buffer>): void {
  for (const [name, content] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}
