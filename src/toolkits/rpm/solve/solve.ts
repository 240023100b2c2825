import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { UserError } from '../../../model/index.ts';
import type { Workshop } from '../../apt/solve/workshop.ts';
import type { PackageWish } from '../names.ts';

/** What is to be solved: paths are in the workshop. */
export interface Job {
  readonly architecture: string;
  readonly release: string;
  /** By id: folders with `repodata`. */
  readonly repositories: readonly { readonly id: string; readonly folder: string; readonly priority?: number }[];
  /** What must be there. */
  readonly wishes: readonly PackageWish[];
  /** What is there where it is offered. */
  readonly essential: readonly string[];
  /** Names with the version and architecture that they keep. */
  readonly held: readonly (readonly [name: string, version: string, architecture: string])[];
  /** .rpm files of versions that no repository has any more. */
  readonly files: readonly string[];
  readonly modules: readonly string[];
  readonly weak: boolean;
}

/** A package of the answer; `repository` is `@commandline` for one of `files`. */
export interface Solved {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly repository: string;
  readonly location: string;
}

/** dnf's own solver on an empty system: no repository but those folders, nothing of this machine's configuration. */
const program = `
import json, sys
import dnf, dnf.exceptions, dnf.module.module_base, dnf.rpm, dnf.selector, rpm
with open('job.json') as file:
    job = json.load(file)
top = '/work' if sys.argv[1] == 'inside' else sys.argv[1]
relations = {'=': (0,), '>=': (0, 1), '<=': (0, -1), '>': (1,), '<': (-1,)}
def fits(one, wish):
    # a release that is not said does not count
    epoch, colon, rest = wish['version'].rpartition(':')
    version, dash, release = rest.rpartition('-') if '-' in rest else (rest, '', '')
    has = (str(one.epoch), one.version, one.release if dash else '')
    return rpm.labelCompare(has, (epoch or '0', version, release)) in relations[wish['relation']]
def solve(held):
    base = dnf.Base()
    conf = base.conf
    conf.installroot = top + '/root'
    conf.cachedir = top + '/cache'
    conf.logdir = top
    conf.persistdir = top + '/state'
    conf.reposdir = []
    conf.pluginpath = []
    conf.plugins = False
    conf.install_weak_deps = job['weak']
    conf.best = False
    conf.substitutions['releasever'] = job['release']
    conf.substitutions['arch'] = job['architecture']
    conf.substitutions['basearch'] = dnf.rpm.basearch(job['architecture'])
    conf.arch = job['architecture']
    conf.ignorearch = True
    conf.module_platform_id = 'platform:el' + job['release'].split('.')[0]
    for one in job['repositories']:
        repo = base.repos.add_new_repo(one['id'], conf, baseurl=['file://' + top + '/' + one['folder']])
        repo.priority = one.get('priority', 99)
    base.fill_sack(load_system_repo=False)
    if job['modules']:
        dnf.module.module_base.ModuleBase(base).enable(job['modules'])
    base.add_remote_rpms([top + '/' + name for name in job['files']])
    query = base.sack.query()
    for name, version, arch in held:
        same = query.filter(name=name, arch=arch)
        keep = same.filter(evr=version)
        if keep:
            base.sack.add_excludes(same.difference(keep))
    missing = []
    for wish in job['wishes']:
        found = query.filter(name=wish['name'])
        if 'relation' in wish:
            found = found.filter(pkg=[one for one in found if fits(one, wish)])
        # a name alone means that of the system's own architecture, also where another one is asked for, too
        if 'architecture' in wish:
            found = found.filter(arch=wish['architecture'])
        else:
            found = found.filter(arch=[job['architecture'], 'noarch']) or found
        if found:
            chosen = dnf.selector.Selector(base.sack)
            chosen.set(pkg=found)
            base.goal.install(select=chosen)
            continue
        full = wish['name'] + ('.' + wish['architecture'] if 'architecture' in wish else '')
        try:
            if 'relation' in wish:
                raise dnf.exceptions.MarkingError()
            base.install(full)
        except dnf.exceptions.Error:
            missing.append(full + ' ' + wish['relation'] + ' ' + wish['version'] if 'relation' in wish else full)
    if missing:
        return {'missing': missing}
    for name in job['essential']:
        try:
            base.install(name, strict=False)
        except dnf.exceptions.Error:
            pass
    base.resolve()
    found = []
    for one in base.transaction.install_set:
        evr = one.evr[2:] if one.evr.startswith('0:') else one.evr
        found.append({'name': one.name, 'version': evr, 'architecture': one.arch,
          'repository': one.reponame, 'location': one.location or ''})
    return {'packages': found}
try:
    try:
        answer = solve(job['held'])
    except dnf.exceptions.DepsolveError:
        if not job['held']:
            raise
        answer = solve([])
except dnf.exceptions.Error as error:
    answer = {'error': str(error)}
json.dump(answer, sys.stdout)
`;

/** Has dnf solve it. Throws UserError 4 where it is not here, 1 where there is no solution. */
export async function solve(job: Job, workshop: Workshop): Promise<readonly Solved[]> {
  writeFileSync(join(workshop.folder, 'job.json'), JSON.stringify(job));
  writeFileSync(join(workshop.folder, 'solve.py'), program);
  const run = async (where: string) =>
    await workshop.run(['/usr/bin/python3', '-B', './solve.py', where], { accept: 'any', env: { LC_ALL: 'C.UTF-8' } });
  const isInside = (await workshop.run(['/usr/bin/test', '-e', '/work/job.json'], { accept: 'any' })).status === 0;
  const { status, stdout, stderr } = await run(isInside ? 'inside' : workshop.folder);
  const said = stderr.toString('utf8');
  if (status === 127 || /ModuleNotFoundError: No module named '(?:dnf|libdnf)/.test(said)) {
    throw new UserError('dnf is not here, and it is what solves for rpm packages', {
      status: 4,
      hint: 'apt-get install dnf (on Fedora: dnf install python3-dnf)',
    });
  }
  let answer: { packages?: Solved[]; missing?: string[]; error?: string };
  try {
    answer = JSON.parse(stdout.toString('utf8')) as typeof answer;
  } catch {
    throw new UserError('dnf could not solve it', {
      details: said
        .split('\n')
        .filter((line) => line !== '')
        .slice(-8),
    });
  }
  if (answer.missing !== undefined) {
    throw new UserError(`no repository has ${answer.missing.join(', ')}`, { hint: 'see the sources of the entry' });
  }
  if (answer.packages === undefined) {
    const lines = (answer.error ?? '')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    throw new UserError('these packages do not go together', { details: lines.slice(0, 12) });
  }
  return answer.packages;
}
