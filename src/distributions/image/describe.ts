import { posix } from 'node:path';

import { byBytes, type Note } from '../../model/index.ts';
import type { Description, Owner, Root, TraceContext } from '../../contract/index.ts';
import { encodeName } from '../../roots/names.ts';
import { fileUses } from './claim.ts';
import { inspectImage, publicLabels, type Inspected } from './inspect.ts';
import { neededNote } from './needed.ts';
import { parseLabels, type Sif } from '../../formats/image/sif.ts';
import { readSif } from './sif.ts';
import type { ImageLock, ImageSpec } from './spec.ts';
import { usesOf, type Use } from './uses.ts';

type One = Description<ImageSpec, ImageLock>['distributions'][number];

/** What is kept of one image that is a file, in bytes, where `image.limit` in the configuration says nothing. */
const usualLimit = 256 * 1024 ** 2;

/** What engines said, for one trace: a daemon is asked once. */
const asked = new WeakMap<TraceContext, Map<Use, Promise<Inspected | undefined>>>();

/** Each image that the run named, by what it is and not by its tag. */
export async function describe(
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<Description<ImageSpec, ImageLock>> {
  const { ran } = context;
  const files = new Map<string, Use | undefined>();
  for (const owners of owned.values()) for (const { key } of owners) files.set(key, undefined);
  const inFiles = ran === undefined ? [] : await fileUses(ran, root);
  for (const { use, path } of inFiles) files.set(path, use);
  const distributions: One[] = [];
  const notes: Note[] = [];
  for (const [path, use] of [...files].sort(([a], [b]) => byBytes(a, b))) {
    const { one, note } = await describeFile(path, use, owned.has(path), root, context);
    distributions.push(one);
    notes.push(note);
  }
  const others = ran === undefined ? [] : usesOf(ran).filter((use) => !inFiles.some((file) => sameUse(file.use, use)));
  for (const use of others.toSorted((a, b) => byBytes(nameOf(a), nameOf(b)))) {
    const answers = asked.get(context) ?? new Map<Use, Promise<Inspected | undefined>>();
    asked.set(context, answers);
    const held = [...answers].find(([one]) => sameUse(one, use))?.[1];
    const asking =
      held ?? (root.directory === '/' && ran !== undefined ? inspectImage(use, ran.env, context) : undefined);
    if (held === undefined && asking !== undefined) answers.set(use, asking);
    const { one, note } = describeReference(use, await asking);
    distributions.push(one);
    notes.push(note);
  }
  return { distributions, notes };
}

function describeReference(use: Use, found: Inspected | undefined): { readonly one: One; readonly note: Note } {
  const { engine } = use;
  const reference = found?.name ?? use.reference;
  const own = /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
  const registry = found?.digests[0]?.replace(/^.*@/, '');
  const digest = own ?? registry ?? found?.id;
  const labels = publicLabels(found?.labels ?? {});
  const version = versionOf(labels);
  const places = [...(found?.digests ?? []), ...(own === undefined ? [] : [reference])];
  return {
    one: {
      spec: {
        type: 'image',
        engine,
        reference,
        ...(digest === undefined ? {} : { digest }),
        ...(version === undefined ? {} : { version }),
      },
      lock: {
        ...(found?.id === undefined ? {} : { image: found.id }),
        ...(places.length === 0 ? {} : { digests: [...new Set(places)].sort(byBytes) }),
        ...(found?.architecture === undefined ? {} : { architecture: found.architecture }),
        ...(found?.size === undefined ? {} : { size: found.size }),
        ...(Object.keys(labels).length === 0 ? {} : { labels }),
      },
      instance: reference,
      summary: `1 image (${reference})`,
    },
    note: neededNote(
      { engine, reference, ...(digest === undefined ? {} : { digest }) },
      places[0] ??
        (digest === undefined
          ? `only its name is known: ${engine} did not say which image that is`
          : `no registry is known to have it: it may have been built on this machine`),
    ),
  };
}

async function describeFile(
  path: string,
  use: Use | undefined,
  ours: boolean,
  root: Root,
  context: TraceContext,
): Promise<{ readonly one: One; readonly note: Note }> {
  const [stat] = await root.lstat([path]);
  const isFolder = stat?.type === 'directory';
  const sif: Sif | undefined = isFolder ? await readSandbox(path, root) : await readSif(path, root);
  const [sha256] = isFolder ? [] : await root.digest([path], 'sha256');
  const labels = publicLabels(sif?.labels ?? {});
  const version = versionOf(labels);
  const size = stat?.size ?? 0;
  const { limit } = context.settings('image');
  const most = typeof limit === 'number' && limit >= 0 ? limit : usualLimit;
  const definition = sif?.definition === undefined ? undefined : Buffer.from(sif.definition);
  // of who tracks the file, it is there already
  const keeps = context.keep && ours && sha256 !== undefined && size <= most;
  const content = keeps ? await addFile(path, root, context) : undefined;
  return {
    one: {
      spec: {
        type: 'image',
        ...(use === undefined ? {} : { engine: use.engine }),
        reference: use?.reference ?? path,
        ...(sha256 === undefined ? {} : { digest: `sha256:${sha256}` }),
        path,
        ...(version === undefined ? {} : { version }),
      },
      lock: {
        ...(sif?.architecture === undefined ? {} : { architecture: sif.architecture }),
        ...(sha256 === undefined ? {} : { size, sha256 }),
        ...(Object.keys(labels).length === 0 ? {} : { labels }),
        ...(definition === undefined || !context.keep ? {} : { definition: await context.store.add(definition) }),
        ...(content === undefined ? {} : { content }),
      },
      instance: path,
      summary: `1 image (${posix.basename(path)})`,
    },
    note: neededNote(
      {
        ...(use ?? { engine: 'apptainer', reference: path }),
        ...(sha256 === undefined ? {} : { digest: `sha256:${sha256}` }),
      },
      content === undefined
        ? `${path} on this machine${isFolder ? '' : `; it is not kept: ${ours ? `${size} bytes, more than image.limit` : 'who tracks it has it'}`}`
        : `it is kept with the trace, ${size} bytes`,
    ),
  };
}

async function addFile(path: string, root: Root, { store }: TraceContext): Promise<ImageLock['content']> {
  const at = root.directory === undefined || root.directory === '/' ? path : `${root.directory}${path}`;
  // a name that is not UTF-8, or a root that is no folder here, goes by way of memory
  if (root.directory !== undefined && typeof encodeName(at) === 'string') return await store.addFile(at);
  const bytes = await root.readFile(path).catch(() => undefined);
  return bytes === undefined ? undefined : await store.add(bytes);
}

/** A folder that apptainer runs in: what it says of itself lies in `/.singularity.d`. */
async function readSandbox(path: string, root: Root): Promise<Sif | undefined> {
  const text = async (name: string) =>
    (await root.readFile(posix.join(path, '.singularity.d', name), 1024 * 1024).catch(() => undefined))?.toString(
      'utf8',
    );
  const [labels, definition] = [await text('labels.json'), await text('Singularity')];
  if (labels === undefined && definition === undefined) return undefined;
  return { labels: parseLabels(labels ?? '{}'), ...(definition === undefined ? {} : { definition }) };
}

function versionOf(labels: Readonly<Record<string, string>>): string | undefined {
  for (const name of ['org.opencontainers.image.version', 'org.label-schema.version', 'Version', 'version']) {
    const value = labels[name];
    // oxlint-disable-next-line no-control-regex
    if (value !== undefined && /^[^\0-\x1f]{1,100}$/.test(value)) return value;
  }
  return undefined;
}

function sameUse(a: Use, b: Use): boolean {
  return a.engine === b.engine && a.of === b.of && a.reference === b.reference;
}

function nameOf({ engine, reference }: Use): string {
  return `${engine} ${reference}`;
}
