import { sha256 } from '../../model/index.ts';
import { imageConfig, type ImageFacts } from './config.ts';
import type { ArchiveFile } from './members.ts';

/**
 * The files of an archive as `docker load` takes it, and `podman load`; the spec, where there is one, lies beside the
 * image as `repronim.yaml`, which neither looks at.
 */
export function dockerFiles(
  facts: ImageFacts & { readonly uncompressed: { readonly file: string; readonly size: number } },
  tag: string,
  spec: string | undefined,
): readonly ArchiveFile[] {
  const config = imageConfig(facts);
  const name = `${sha256(config)}.json`;
  const manifest = [{ Config: name, RepoTags: [tag], Layers: ['layer.tar'] }];
  return [
    { name: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
    { name, content: config },
    ...(spec === undefined ? [] : [{ name: 'repronim.yaml', content: Buffer.from(spec) }]),
    { name: 'layer.tar', content: facts.uncompressed },
  ];
}
