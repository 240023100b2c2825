#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

import type { Group, Load, Verb } from './verb.ts';

enableCompileCache();

/** Every word of the command line: what it does, and where. */
const verbs: Readonly<Record<string, readonly [does: string, load: 'lean' | Load<{ verb: Verb } | { group: Group }>]>> =
  {
    reproduce: [
      'trace a command, build its environment again, prove it equal, run it there',
      () => import('./commands/reproduce.ts'),
    ],
    trace: ['find out what a command runs on, and write it down', () => import('./commands/trace.ts')],
    resolve: ['make a spec exact: find versions and hashes', () => import('./commands/resolve.ts')],
    create: ['make an environment from a spec or a bundle', () => import('./commands/create.ts')],
    attach: ['take in what somebody else has made', () => import('./commands/attach.ts')],
    verify: ['look whether an environment is what its spec says', () => import('./commands/verify.ts')],
    diff: ['compare any two of specs and places', () => import('./commands/diff.ts')],
    fingerprint: ['print the fingerprint of a place', () => import('./commands/fingerprint.ts')],
    exec: ['run a command in an environment', 'lean'],
    login: ['open a shell in an environment', 'lean'],
    activate: ['print what a shell sources to use an environment', () => import('./commands/activate.ts')],
    install: ['put packages into an environment', () => import('./commands/install.ts')],
    uninstall: ['take packages out of an environment', () => import('./commands/uninstall.ts')],
    upgrade: ['bring packages of an environment up to date', () => import('./commands/upgrade.ts')],
    urls: ['say where the packages of a spec can be had', () => import('./commands/urls.ts')],
    start: ['start an environment', 'lean'],
    stop: ['stop an environment', 'lean'],
    image: ['build, list, export and import images', () => import('./commands/image.ts')],
    ls: ['list environments', () => import('./commands/ls.ts')],
    show: ['show one environment, or a spec', () => import('./commands/show.ts')],
    delete: ['remove environments', () => import('./commands/delete.ts')],
    prune: ['remove what nobody uses any more', () => import('./commands/prune.ts')],
    doctor: ['say what works on this machine, and why the rest does not', () => import('./commands/doctor.ts')],
    resource: ['name places with their settings, for -b', () => import('./commands/resource.ts')],
    config: ['print the settings that hold, and where they come from', () => import('./commands/config.ts')],
  };

// whatever a failure may have left open must not keep us
process.exit(await main(process.argv.slice(2)));

async function main(words: readonly string[]): Promise<number> {
  const [word, ...rest] = words;
  if (word === undefined || word === '--help' || word === '-h' || (word === 'help' && rest.length === 0)) {
    process.stdout.write(await overview());
    return word === undefined ? 2 : 0;
  }
  if (word === '--version' || word === '-V') {
    const { version } = await import('./version.ts');
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const name = word === 'help' ? (rest[0] ?? '') : word;
  const given = word === 'help' ? ['--help', ...rest.slice(1)] : rest;
  const [, load] = (Object.hasOwn(verbs, name) ? verbs[name] : undefined) ?? [];
  if (load === 'lean') return await (await import('./lean.ts')).invokeLean(name, given);
  const { invoke, unknownVerb } = await import('./invoke.ts');
  return load === undefined ? unknownVerb(name, Object.keys(verbs)) : await invoke(name, load, given);
}

async function overview(): Promise<string> {
  const { wordLines } = await import('./help.ts');
  return [
    'repronim finds out what a computation ran on, re-creates it, and proves that it is the same.',
    '',
    'usage: repronim VERB …                 repronim VERB --help explains one',
    '',
    ...wordLines(Object.entries(verbs).map(([name, [does]]) => [name, does])),
    '',
    'examples:',
    '  repronim reproduce -- ./run            does it run the same in a fresh environment?',
    '  repronim trace --bundle -- ./run       one file to pass on',
    '  repronim reproduce study.repronim      the same numbers, on another machine',
    '',
  ].join('\n');
}
