import { posix } from 'node:path';

import { byBytes, deniesOthers, isSecretPath, type Note } from '../../model/index.ts';
import type { Root, TraceContext } from '../../contract/index.ts';
import { keepTree, type KeptTree } from '../../toolkits/trees/compose.ts';
import { describeEach, oncePerTrace } from '../../toolkits/trees/each.ts';
import { channelOf, cutChannel } from './address.ts';
import { isElse } from './claim.ts';
import { nameOf } from './history.ts';
import { condaSecrets } from './secrets.ts';
import { foreignMarks, prefixAt, type CondaPrefix } from './prefix.ts';
import type { CondaRecord } from './record.ts';
import { detectVirtual } from './solve.ts';
import type { CondaLock, CondaPackage, CondaSpec } from './spec.ts';

/** A prefix is taken whole, whichever of its files were used. */
const keptOnce = oncePerTrace<KeptTree>();

/** Each prefix whole: its packages as an explicit list, and what their artifacts do not bring. */
export const describe = describeEach<CondaSpec, CondaLock>(async (top, { keys }, root, context) => {
  const prefix = await prefixAt(root, top, context);
  const packages = prefix.records.map((record) => toRow(record, prefix));
  const { pip, site, variables } = prefix;
  const kept = context.keep
    ? await keptOnce(root, context, top, async () => keepPrefix(root, prefix, packages, context))
    : undefined;
  return {
    distribution: {
      spec: specOf(prefix, packages, keys),
      lock: {
        prefix: top,
        packages,
        ...(pip.length === 0 ? {} : { pip: pip.map(({ name, version }) => ({ name, version, repacked: true })) }),
        ...(site === undefined ? {} : { site }),
        ...(Object.keys(variables).length === 0 ? {} : { variables }),
        ...needsOf(prefix, root),
        ...(kept === undefined ? {} : { tree: kept.tree }),
        ...(kept?.rest === undefined ? {} : { rest: kept.rest }),
        ...(kept === undefined ? {} : { files: kept.files, size: kept.size }),
      },
      instance: top,
      summary: `1 conda prefix (${packages.length} packages${pip.length === 0 ? '' : `, ${pip.length} of pip`})`,
    },
    ...(kept === undefined ? {} : { cut: kept.cut }),
    notes: [...notesOf(prefix), ...(kept?.notes ?? [])],
  };
});

function specOf(prefix: CondaPrefix, packages: readonly CondaPackage[], used: ReadonlySet<string>): CondaSpec {
  const asked = packages.filter(({ requested }) => requested !== undefined);
  const needed = new Set(prefix.records.flatMap(({ depends }) => depends.map((one) => one.split(/[\s[]/, 1)[0] ?? '')));
  const top = asked.length > 0 ? asked : packages.filter(({ name }) => !needed.has(name));
  const listed = packages.filter((one) => top.includes(one) || used.has(one.name));
  const pip = prefix.pip.filter(({ key, requested }) => requested || used.has(key));
  const count = (list: readonly string[]) =>
    [...Map.groupBy(list, (one) => one)].map(([one, all]) => [one, all.length] as const);
  const most = (list: readonly string[]) =>
    count(list)
      .sort(([a, m], [b, n]) => n - m || byBytes(a, b))
      .map(([one]) => one);
  const channels = most(packages.flatMap(({ channel }) => channel ?? []));
  const [platform] = most(packages.flatMap(({ subdir = 'noarch' }) => (subdir === 'noarch' ? [] : [subdir])));
  return {
    type: 'conda',
    path: prefix.top,
    ...(channels.length === 0 ? {} : { channels }),
    ...(platform === undefined ? {} : { platform }),
    ...(listed.length === 0 ? {} : { packages: listed.map(({ name, version }) => `${name}==${version}`) }),
    ...(pip.length === 0 ? {} : { pip: pip.map(({ name, version }) => `${name}==${version}`) }),
  };
}

function toRow(record: CondaRecord, prefix: CondaPrefix): CondaPackage {
  const { name, version, build, subdir, file, size, md5, sha256, noarch } = record;
  const channel = channelOf(record);
  const requested = record.requested[0] ?? prefix.asked.get(name.toLowerCase());
  const certain =
    channel !== undefined &&
    subdir !== undefined &&
    file !== undefined &&
    size !== undefined &&
    sha256 !== undefined &&
    !prefix.edited.has(name);
  return {
    name,
    version,
    build,
    ...(channel === undefined ? {} : { channel }),
    ...(subdir === undefined ? {} : { subdir }),
    // what is kept in another way is not looked for in an archive
    ...(certain ? { file, size } : {}),
    ...(md5 === undefined || !certain ? {} : { md5 }),
    ...(certain ? { sha256 } : {}),
    ...(noarch === undefined ? {} : { noarch }),
    ...(requested === undefined ? {} : { requested: requested.replaceAll(/[\n\r\0]/g, ' ') }),
    ...(certain ? {} : { repacked: true }),
  };
}

/** What packages ask of the system, and what this one has of it, where it is the one that we run on. */
function needsOf({ records }: CondaPrefix, root: Root): Pick<CondaLock, 'needs' | 'virtual'> {
  const needs = new Set(records.flatMap(({ depends }) => depends.filter((one) => one.startsWith('__'))));
  if (needs.size === 0) return {};
  const names = new Set([...needs].map((one) => nameOf(one)));
  const has = root.directory === '/' ? Object.entries(detectVirtual()).filter(([name]) => names.has(name)) : [];
  return { needs: [...needs].sort(byBytes), ...(has.length === 0 ? {} : { virtual: Object.fromEntries(has) }) };
}

async function keepPrefix(
  root: Root,
  prefix: CondaPrefix,
  packages: readonly CondaPackage[],
  { store }: TraceContext,
): Promise<KeptTree> {
  const notes: Note[] = [];
  const paths = await pathsIn(root, prefix, notes);
  const certain = new Set(packages.filter(({ repacked }) => repacked !== true).map(({ name }) => name));
  const cutOf = await condaSecrets(
    root,
    prefix.top,
    paths.map((path) => path.slice(prefix.top.length + 1)),
  );
  const kept = await keepTree(root, prefix.top, paths, await suppliedBy(root, prefix, certain), store, cutOf);
  return { ...kept, notes: [...notes, ...kept.notes] };
}

/** Interpreter lines of longer prefixes are rewritten, each installer in its way. */
const longestPlainPrefix = 100;

/** What the artifacts bring, by path: of a path that several packages have, what lies there counts. */
async function suppliedBy(
  root: Root,
  { top, records }: CondaPrefix,
  certain: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const supplied = new Map<string, string>();
  const several = new Map<string, string[]>();
  const plain = top.length <= longestPlainPrefix && !/\s/.test(top);
  for (const { name, paths } of records) {
    if (!certain.has(name)) continue;
    for (const { path, type, sha256, sha256InPrefix, placeholder, replace } of paths) {
      if (type !== 'file' || (placeholder !== undefined && replace === 'text' && !plain)) continue;
      const digest = placeholder === undefined ? (sha256InPrefix ?? sha256) : sha256InPrefix;
      if (digest === undefined) continue;
      const other = supplied.get(path);
      if (other !== undefined && other !== digest) several.set(path, [...(several.get(path) ?? [other]), digest]);
      supplied.set(path, digest);
    }
  }
  const clobbered = [...several.keys()];
  const digests = await root.digest(
    clobbered.map((path) => posix.join(top, path)),
    'sha256',
  );
  for (const [index, path] of clobbered.entries()) {
    const found = digests[index];
    if (found !== undefined && several.get(path)?.includes(found) === true) supplied.set(path, found);
  }
  return supplied;
}

/** Everything below the prefix, less other prefixes, work trees, caches and what must not be kept. */
async function pathsIn(root: Root, prefix: CondaPrefix, notes: Note[]): Promise<readonly string[]> {
  const { top, owners } = prefix;
  const found: string[] = [];
  const left: { readonly path: string; readonly because: string }[] = [];
  const others = new Set<string>();
  const named = (path: string) => owners.has(path) || path.startsWith(`${top}/conda-meta/`);
  for await (const { path, type, mode } of root.scan({
    below: [top],
    except: [posix.join(top, 'pkgs')],
    digests: [],
  })) {
    const relative = path.slice(top.length + 1);
    const last = relative.slice(relative.lastIndexOf('/') + 1);
    const isForeign = foreignMarks.includes(last) && !named(path);
    if (isForeign || (last === 'conda-meta' && type === 'directory' && relative !== last))
      others.add(posix.dirname(path));
    if (type === 'directory' && relative !== '') found.push(path);
    else if (isElse(relative)) continue;
    else if (named(path)) found.push(path);
    else if (isSecretPath(path)) left.push({ path, because: 'it is a place for keys, tokens or passwords' });
    else if (type === 'file' && deniesOthers(mode)) left.push({ path, because: 'its mode denies others to read it' });
    else found.push(path);
  }
  others.delete(top);
  const within = (path: string) => {
    for (let at = path; at.length > top.length; at = posix.dirname(at)) if (others.has(at)) return true;
    return false;
  };
  notes.push(...left.filter(({ path }) => !within(path)).map(({ path, because }) => leftNote(path, because)));
  return found.filter((path) => !within(path) && !isElse(path.slice(top.length + 1)));
}

function notesOf({ top, broken, edited, records, scripts, secrets }: CondaPrefix): Note[] {
  const secret = records.filter(({ url, channel }) =>
    [url, channel].some((one) => one !== undefined && cutChannel(one) !== one.replace(/\/+$/, '')),
  );
  return [
    ...scripts.map((path): Note => ({
      kind: 'left',
      path: posix.join(top, path),
      text: `${posix.join(top, path)} is kept, but does not run when ${top} is activated: only variables are set`,
    })),
    ...secrets.map((name): Note => ({
      kind: 'secret',
      path: top,
      text: `the variable ${name} of the conda prefix ${top} looks like a secret: it is not written down`,
    })),
    ...broken.map(({ path, because }): Note => ({
      kind: 'unreadable',
      path,
      text: `${path} is not recorded: ${because}; its files are kept as they are`,
    })),
    ...[...edited].sort(byBytes).map((name): Note => ({
      kind: 'warning',
      path: top,
      about: name,
      text: `the record of ${name} in ${top} was edited by hand: its files are kept as they are`,
    })),
    ...(secret.length === 0
      ? []
      : [
          {
            kind: 'secret',
            path: top,
            text: `addresses from which packages in ${top} came have passwords or tokens in them: they are written without`,
          } as const,
        ]),
  ];
}

function leftNote(path: string, because: string): Note {
  return { kind: 'left', path, text: `${path} is not kept: ${because}` };
}
