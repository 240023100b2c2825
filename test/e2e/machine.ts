import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { places } from '../../src/inventory/places.ts';
import type { Argv } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { mirror, need } from './need.ts';

const top = resolve(import.meta.dirname, '../..');
const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };
/** Where a container finds the certificates that this machine trusts beyond those of its system. */
const certificates = '/usr/local/share/certificates-of-the-host.pem';
/** What a person would have told npm, apt and node on this machine, too. */
const passedOn = [
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'npm_config_registry',
];

/** What a command in a machine said, and how long it took. */
export interface Told {
  readonly status: number;
  /** Both streams; standard output and error each in their order. */
  readonly said: string;
  readonly seconds: number;
}

/** A container of a stock Debian, as a stranger's machine: the clone is at /root/repronim. */
export interface Machine extends AsyncDisposable {
  readonly name: string;
  /** Runs a command in the clone. */
  run(...argv: Argv): Promise<Told>;
  /** Copies a file between the machines. */
  put(file: string, into: string): Promise<void>;
  get(path: string, into: string): Promise<void>;
  /** An image of what the machine is by now. */
  freeze(): Promise<Image>;
}

/** Something that machines are started from. */
export interface Image extends AsyncDisposable {
  readonly reference: string;
}

export interface Docker {
  /** Of the daemon. */
  readonly address: string;
  docker(...words: readonly string[]): Promise<string>;
}

/** The docker command line on a daemon; whoever starts one has installed it. */
export async function dockerAt(address: string): Promise<Docker> {
  await need('docker.io');
  const env = { ...environment, DOCKER_HOST: address, HOME: '/nonexistent' };
  return {
    address,
    async docker(...words) {
      const { stdout } = await runProcess(['docker', ...words], { env });
      return stdout.toString().trim();
    },
  };
}

/**
 * A stock Debian with what `apt-get install npm git` brings, from this machine's own mirror. Its archive is made once
 * and kept in the user's cache; the image is not.
 */
export async function stockImage(release: string, { docker }: Docker): Promise<Image> {
  const folder = join(places(process.env).cache, 'test-roots');
  const archive = join(folder, `${release}-npm-git.tar`);
  if (!existsSync(archive)) {
    await need('mmdebstrap');
    mkdirSync(folder, { recursive: true });
    const partial = join(folder, `${release}-${process.pid}.tar`);
    const argv = ['mmdebstrap', '--quiet', '--variant=minbase', '--include=npm,git,ca-certificates'] as const;
    try {
      await runProcess([...argv, release, partial, `deb ${await mirror()} ${release} main`], {
        env: { ...environment, HOME: '/root' },
      });
      renameSync(partial, archive);
    } finally {
      rmSync(partial, { force: true });
    }
  }
  const reference = `repronim-test-stock:${release}-${process.pid}`;
  await docker('import', archive, reference);
  return imageOf(reference, docker);
}

/** Starts a machine; `options` are those of `docker run`. A fresh clone of HEAD is in it, unless the image has one. */
export async function startMachine(
  image: Image,
  { docker, address }: Docker,
  options: readonly string[],
  clone?: string,
): Promise<Machine> {
  const name = `repronim-test-${process.pid}-${(started += 1)}`;
  const trusted = process.env['NODE_EXTRA_CA_CERTS'];
  const settings = [
    ...(trusted === undefined ? [] : ['-e', `NODE_EXTRA_CA_CERTS=${certificates}`]),
    ...passedOn.flatMap((variable) => (process.env[variable] === undefined ? [] : ['-e', variable])),
  ];
  await docker('run', '-d', '--init', '--name', name, ...settings, ...options, image.reference, 'sleep', 'infinity');
  const machine: Machine = {
    name,
    async run(...argv) {
      const begun = performance.now();
      const { status, stdout, stderr } = await runProcess(
        ['docker', '-H', address, 'exec', '-w', '/root/repronim', name, ...argv],
        { env: environment, accept: 'any' },
      );
      const seconds = (performance.now() - begun) / 1000;
      return { status, said: `${stderr.toString()}${stdout.toString()}`, seconds };
    },
    async put(file, into) {
      await docker('cp', '-q', file, `${name}:${into}`);
    },
    async get(path, into) {
      await docker('cp', '-q', `${name}:${path}`, into);
    },
    async freeze() {
      const reference = `repronim-test-frozen:${name}`;
      await docker('commit', name, reference);
      return imageOf(reference, docker);
    },
    async [Symbol.asyncDispose]() {
      await docker('rm', '-f', '-v', name);
    },
  };
  try {
    if (clone !== undefined) {
      if (trusted !== undefined) await docker('cp', '-q', '-L', trusted, `${name}:${certificates}`);
      await docker('cp', '-q', clone, `${name}:/root/repronim`);
    }
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
  return machine;
}

/** A clone of HEAD of this checkout, as a stranger has it. */
export async function cloneInto(folder: string): Promise<string> {
  const clone = join(folder, 'repronim');
  await runProcess(['git', '-c', 'safe.directory=*', 'clone', '-q', '--no-hardlinks', top, clone], {
    env: { ...environment, HOME: folder },
  });
  return clone;
}

let started = 0;

function imageOf(reference: string, docker: Docker['docker']): Image {
  return {
    reference,
    async [Symbol.asyncDispose]() {
      await docker('rmi', '-f', reference);
    },
  };
}
