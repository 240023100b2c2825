import { UserError } from '../../model/index.ts';
import type { Adopter, Confinement, Instance, Session } from '../../contract/index.ts';
import { rootThere } from '../../sessions/ssh.ts';
import { layerThere } from './layer-there.ts';
import type { SshParams } from './params.ts';
import { enteredOn, hostSession, referred } from './place.ts';

/**
 * Hosts, and folders of hosts, that somebody else has filled. On a host commands run as whoever ssh lets in; in a folder
 * confined, and what they change there goes with the session unless the folder is said to be writable.
 */
export const sshAdopter: Adopter<SshParams> = {
  word: 'ssh',
  async find(reference, params) {
    const { host, directory } = await referred(reference, params);
    return { host: host.connection.host, reference, ...(directory === undefined ? {} : { directory }) };
  },
  async entered(reference, params) {
    const { host, directory } = await referred(reference, params);
    return directory === undefined ? enteredOn(host) : undefined;
  },
  enter({ name, facts, confinement }, writable, params): Instance {
    const reference = String(facts['reference']);
    return facts['directory'] === undefined
      ? hostOfOthers(name, reference, params)
      : folderOfOthers({ name, reference, confinement, writable }, params);
  },
};

function hostOfOthers(name: string, reference: string, params: SshParams): Instance {
  const enter = async (): Promise<Session> => hostSession((await referred(reference, params)).host);
  const notOurs = async (): Promise<never> => {
    throw new UserError(`${name} is the host ${reference}: repronim neither starts nor stops it`, { status: 2 });
  };
  return {
    name,
    async status() {
      await referred(reference, params); // throws where it does not answer
      return 'running';
    },
    start: notOurs,
    stop: notOurs,
    session: enter,
    async exec(argv, options) {
      await using session = await enter();
      return await session.exec(argv, options);
    },
    async remove() {}, // it is somebody else's
  };
}

function folderOfOthers(
  of: {
    readonly name: string;
    readonly reference: string;
    readonly confinement: Confinement;
    readonly writable: boolean;
  },
  params: SshParams,
): Instance {
  const { name, reference, confinement, writable } = of;
  const nothingRuns = async (): Promise<never> => {
    const hint = `repronim exec ${name} -- COMMAND runs something in it`;
    throw new UserError(`${name} is a folder: nothing runs in it by itself`, { status: 2, hint });
  };
  return {
    name,
    async status() {
      const { host, directory = '/' } = await referred(reference, params);
      const [stat] = await rootThere(host, name).lstat([directory]);
      return stat === undefined ? 'gone' : 'stopped';
    },
    start: nothingRuns,
    stop: nothingRuns,
    async session() {
      const { host, directory = '/' } = await referred(reference, params);
      return await layerThere(host, directory, confinement, writable);
    },
    async remove() {}, // it is somebody else's
  };
}
