import type { Note } from '../../model/index.ts';
import type { ImageLock, ImageSpec } from './spec.ts';

type Named = Pick<ImageSpec, 'engine' | 'reference' | 'digest'>;

/** That a replay of what was traced would need this image, and `where` it can be had. */
export function neededNote(image: Named & { readonly engine: string }, where: string): Note {
  return {
    kind: 'warning',
    about: image.reference,
    text: `${image.engine} ran the image ${nameOf(image)}, and a replay starts no engine in an environment. Where it can be had: ${where}`,
  };
}

/** The same of a spec that may come from elsewhere: an environment does not bring it. */
export function needed(spec: ImageSpec, { content, digests = [] }: ImageLock): Note {
  const { engine, reference, path } = spec;
  const registry = digests.find((name) => name !== reference);
  const where =
    content === undefined
      ? digests.length === 0
        ? ` It was${path === undefined ? '' : ` ${path}`} on the machine where it was traced`
        : registry === undefined
          ? ''
          : ` It can be had as ${registry}`
      : ` It came with the spec: sha256 ${content.sha256.slice(0, 12)}…, ${content.size} bytes`;
  return {
    kind: 'warning',
    about: reference,
    text: `the environment does not have the image ${nameOf(spec)}${engine === undefined ? '' : `, which ${engine} runs`}, and starts no engine.${where}`,
  };
}

function nameOf({ reference, digest }: Named): string {
  return digest === undefined || reference.includes('@') ? reference : `${reference} (${digest.slice(0, 19)}…)`;
}
