import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { byBytes, UserError } from '../../model/index.ts';
import type { CreateContext } from '../../contract/index.ts';
import { runProcess } from '../../sessions/process.ts';
import { cleanAddress, toResolved } from './address.ts';
import { cleanRegistry } from './client.ts';
import { downloadAll } from './download.ts';
import { heldLock } from './held.ts';
import { passedOn } from './npm-environment.ts';
import { projectOf, readProject, type Project } from './project.ts';
import { modulesOf, type NpmLock, type NpmPackage, type NpmSpec } from './spec.ts';
import { parseWish, type Wish } from './wish.ts';

/**
 * Names and ranges to exact packages, as npm itself would choose them for this kind of machine: it is run on a scratch
 * project and writes a lock file only. No script of a package is run, no git repository asked.
 */
export async function resolve(
  wish: NpmSpec,
  held: NpmLock | undefined,
  context: CreateContext,
  renew: true | readonly string[],
): Promise<Omit<NpmLock, 'of'>> {
  const wishes = (wish.packages ?? []).map(parseWish);
  const project = wishes.length === 0 && wish.global !== true ? await readProject(wish) : undefined;
  if (wishes.length === 0 && project === undefined) {
    throw new UserError(`npm: ${wish.path} names no packages, and has no package.json on this machine`, {
      status: 2,
      hint: 'add "packages: [left-pad@1.3.0]", or trace the tree where it is: repronim trace --path …/node_modules',
    });
  }
  const start = held === undefined || renew === true ? undefined : await heldLock(wish, held, renew, context.store);
  const rows: Found[] = [];
  if (wish.global === true) {
    for (const one of wishes) {
      const top = `${modulesOf(wish)}/${one.name}`;
      const found = await askNpm(projectOf([one]), wish, context);
      const place = (path: string) => (path === `node_modules/${one.name}` ? top : `${top}/${path}`);
      rows.push(...found.map((row) => ({ ...row, path: place(row.path) })));
    }
  } else rows.push(...(await askNpm(project ?? projectOf(wishes, start), wish, context)));
  const packages = await downloadAll(rows.map(withoutBins), wish, context);
  const tops = new Set(wishes.map(({ name }) => `${modulesOf(wish)}/${name}`));
  const bins = wish.global === true ? rows.flatMap((row) => (tops.has(row.path) ? row.bins : [])) : [];
  return {
    packages: packages
      .map((row) => withResolved(row, wish.registry === undefined ? undefined : cleanRegistry(wish.registry)))
      .sort((a, b) => byBytes(a.path, b.path)),
    ...(bins.length === 0 ? {} : { bins: [...new Set(bins.map((name) => `bin/${name}`))].sort(byBytes) }),
  };
}

type Found = NpmPackage & { readonly bins: readonly string[] };

function withoutBins(row: Found): NpmPackage {
  const { bins: _, ...rest } = row;
  return rest;
}

async function askNpm({ fields, lock, wishes }: Project, spec: NpmSpec, context: CreateContext): Promise<Found[]> {
  await mkdir(context.work, { recursive: true });
  const folder = await mkdtemp(join(context.work, 'npm-'));
  try {
    await writeFile(join(folder, 'package.json'), JSON.stringify(fields));
    if (lock !== undefined) await writeFile(join(folder, 'package-lock.json'), lock);
    const { registry } = context.settings('npm');
    const asked = typeof registry === 'string' ? registry : spec.registry;
    const { status, stderr } = await runProcess(
      [
        'npm',
        'install',
        '--package-lock-only',
        '--ignore-scripts',
        '--git=/bin/false',
        '--audit=false',
        '--fund=false',
        '--omit-lockfile-registry-resolved=false',
        '--lockfile-version=3',
        '--loglevel=error',
        ...(asked === undefined ? [] : [`--registry=${asked}`]),
      ],
      { env: passedOn(), cwd: folder, accept: 'any', timeoutMs: 600_000, signal: context.signal },
    );
    if (status === 127) {
      throw new UserError('npm is not installed on this machine', { hint: 'type: apt-get install npm', status: 4 });
    }
    if (status !== 0) throw explain(stderr.toString('utf8'), wishes);
    return parseResolved(await readFile(join(folder, 'package-lock.json'), 'utf8'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function explain(said: string, wishes: readonly Wish[]): UserError {
  const lines = said
    .split('\n')
    .map((line) => line.replace(/^npm (?:error|ERR!) ?/, '').trimEnd())
    .filter((line) => line !== '' && !/^A complete log|debug-\d*\.log|^code /.test(line));
  const names = wishes.map(({ name, range }) => `${name}@${range}`).join(', ');
  return new UserError(`npm finds no set of packages for ${names.slice(0, 300)}`, {
    details: lines.slice(0, 12).map((line) => line.slice(0, 300)),
    hint: 'change or leave out a version',
  });
}

/** npm's new lock file as rows; what is optional and not for this kind of machine is left out. Throws UserError. */
function parseResolved(content: string): Found[] {
  const { packages = {} } = JSON.parse(content) as { packages?: Record<string, Record<string, unknown>> };
  const found: Found[] = [];
  for (const [path, told] of Object.entries(packages)) {
    if (path === '' || (told['optional'] === true && !isForHere(told))) continue;
    const name = typeof told['name'] === 'string' ? told['name'] : path.replace(/^.*node_modules\//, '');
    const { version, resolved, integrity, bin } = told;
    if (typeof version !== 'string') continue;
    const bundled = told['inBundle'] === true;
    const address = typeof resolved === 'string' ? cleanAddress(resolved) : undefined;
    // without an address it is where its registry has it
    const isKnown = (address !== undefined || resolved === undefined) && typeof integrity === 'string';
    if (!bundled && !isKnown) {
      throw new UserError(`${name} ${version} is not a registry's: ${String(resolved)}`, { status: 2 });
    }
    found.push({
      path,
      name,
      version,
      ...(address === undefined ? {} : { resolved: address }),
      ...(typeof integrity === 'string' ? { integrity } : {}),
      ...(bundled ? { bundled } : {}),
      ...(told['hasInstallScript'] === true ? { scripts: true } : {}),
      bins: typeof bin === 'object' && bin !== null ? Object.keys(bin) : [],
    });
  }
  return found;
}

/** Whether a package is for Linux, this processor, and GNU's libc (package-json(5), `os`, `cpu`, `libc`). */
function isForHere(told: Readonly<Record<string, unknown>>): boolean {
  const allows = (key: string, value: string) => {
    const list = told[key];
    if (!Array.isArray(list) || list.length === 0) return true;
    if (list.includes(`!${value}`)) return false;
    return list.includes(value) || list.every((one) => String(one).startsWith('!'));
  };
  return allows('os', 'linux') && allows('cpu', process.arch) && allows('libc', 'glibc');
}

function withResolved(row: NpmPackage, registry: string | undefined): NpmPackage {
  const { resolved: address, path, name, version, ...rest } = row;
  const resolved = toResolved(address, row, registry);
  return { path, name, version, ...(resolved === undefined ? {} : { resolved }), ...rest };
}
