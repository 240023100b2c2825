import { existsSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import * as v from 'valibot';

import type { Backend, BackendContext, ExecOptions, Instance } from '../../contract/index.ts';
import type { Argv } from '../../model/index.ts';
import { findPerl, isKnownMachine } from '../../sessions/enter.ts';
import { localSession } from '../../sessions/local.ts';

const params = v.strictObject({});

/** The machine that we sit at: nothing is booted and nothing is confined; what a spec lays over its base is laid here. */
export const native: Backend<Record<string, never>> = {
  name: 'native',
  title: 'this machine itself: what is laid over the system is laid here',
  params,

  async probe() {
    if (!isKnownMachine() || process.platform !== 'linux') {
      const hint = 'choose another backend: ssh to a Linux machine';
      return { usable: false, because: `programs cannot be run on ${process.platform} ${process.arch} yet`, hint };
    }
    if (findPerl() === undefined) return { usable: false, because: 'there is no perl', hint: 'install perl-base' };
    const as = process.geteuid?.() === 0 ? 'as root' : 'as you: packages of the system cannot be changed';
    return { usable: true, detail: `${as}; not confined` };
  },

  async open(_params, context) {
    mark(context);
    return localSession('this machine');
  },

  /** The machine is its own image. */
  async assemble(rootfs) {
    return { backend: 'native', reference: '/', rootfs: rootfs.digest };
  },

  async removeImage() {}, // nothing was made

  async launch(_image, _rootfs, name, _confinement, _params, context) {
    await context.record({});
    mark(context);
    return instanceOf(name, context);
  },

  async attach(record, _params, context) {
    return instanceOf(record.name, context);
  },

  async sweep(_record, _params, context) {
    await rm(join(context.state, marker), { force: true });
  },
};

/** In an instance's folder as long as it is there: the machine itself does not go. */
const marker = 'native';

function mark({ state }: BackendContext): void {
  writeFileSync(join(state, marker), '');
}

function instanceOf(name: string, { state }: BackendContext): Instance {
  return {
    name,
    async status() {
      return existsSync(join(state, marker)) ? 'running' : 'gone';
    },
    async start() {}, // it runs
    async stop() {}, // and goes on
    async session() {
      return localSession(name);
    },
    async exec(argv: Argv, options: ExecOptions) {
      await using session = localSession(name);
      return await session.exec(argv, options);
    },
    async remove() {
      await rm(join(state, marker), { force: true });
    },
  };
}
