import { constants, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { RunResult } from '../../../contract/index.ts';
import type { Argv } from '../../../model/index.ts';
import { listName } from '../read/sources.ts';
import type { AptPin } from '../spec.ts';
import type { ReadIndex } from './read-indices.ts';
import { suiteAddress } from './release.ts';
import type { Workshop } from './workshop.ts';

/** An apt that knows these lists and an empty system, and nothing of this machine. */
export interface Scratch {
  run(argv: Argv, more?: readonly string[]): Promise<RunResult>;
  setPins(pins: readonly AptPin[]): void;
}

/** Where packages that no list offers any more are offered, for their dependencies to be known. */
const heldAddress = 'http://held.invalid';

/**
 * Lays apt's folders out below the workshop's: configuration (apt.conf(5)), lists as apt would have fetched them, an
 * empty dpkg status. Every path is relative to the folder that apt is started in, so no name of this machine is quoted.
 */
export function makeScratch(
  workshop: Workshop,
  of: {
    readonly architectures: readonly string[];
    readonly indices: readonly ReadIndex[];
    readonly held: string;
    readonly recommends: boolean;
  },
): Scratch {
  const top = join(workshop.folder, 'apt');
  for (const folder of ['etc/sources.list.d', 'etc/none.d', 'state/lists/partial', 'cache/archives/partial', 'log']) {
    mkdirSync(join(top, folder), { recursive: true });
  }
  const write = (name: string, content: string | Buffer) => writeFileSync(join(top, name), content);
  write('apt.conf', configuration(of.architectures, of.recommends));
  write('status', '');
  write('state/extended_states', '');
  write('etc/sources.list', '');
  for (const [number, { entry, component, releaseFile, files }] of of.indices.entries()) {
    const number3 = String(number).padStart(3, '0');
    write(`etc/sources.list.d/${number3}.sources`, sourceStanza(entry.uri, entry.suite, component, of.architectures));
    write(
      `state/lists/${listName(`${suiteAddress(entry)}/Release`)}`,
      Buffer.concat([releaseFile.content, Buffer.from('\n')]),
    );
    for (const { name, file } of files) copyFileSync(file, join(top, 'state/lists', name), constants.COPYFILE_FICLONE);
  }
  if (of.held !== '') {
    write('etc/sources.list.d/held.sources', sourceStanza(heldAddress, 'held/', undefined, of.architectures));
    write(`state/lists/${listName(`${heldAddress}/held/Packages`)}`, of.held);
    write(`state/lists/${listName(`${heldAddress}/held/Release`)}`, 'Label: held\n');
  }
  return {
    setPins: (pins) => write('etc/preferences', pins.map(pinStanza).join('\n')),
    async run(argv, more = []) {
      return await workshop.run([...argv, ...more] as unknown as Argv, {
        accept: 'any',
        env: { APT_CONFIG: './apt/apt.conf' },
      });
    },
  };
}

function configuration(architectures: readonly string[], recommends: boolean): string {
  const native = architectures[0] ?? '';
  return `\
Dir "./apt/";
Dir::Etc "etc/";
Dir::Etc::main "none";
Dir::Etc::parts "none.d/";
Dir::Etc::sourcelist "sources.list";
Dir::Etc::sourceparts "sources.list.d/";
Dir::Etc::preferences "preferences";
Dir::Etc::preferencesparts "none.d/";
Dir::Etc::trusted "none";
Dir::Etc::trustedparts "none.d/";
Dir::State "state/";
Dir::State::lists "lists/";
Dir::State::status "./apt/status";
Dir::State::extended_states "extended_states";
Dir::Cache "cache/";
Dir::Cache::archives "archives/";
Dir::Log "log/";
APT::Architecture "${native}";
APT::Architectures { ${architectures.map((name) => `"${name}"; `).join('')}};
APT::Install-Recommends "${recommends}";
APT::Install-Suggests "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::ForceHash "SHA256";
Debug::NoLocking "true";
`;
}

/** A stanza of sources.list(5). Its lists are here already, and were verified. */
function sourceStanza(
  uri: string,
  suite: string,
  component: string | undefined,
  architectures: readonly string[],
): string {
  return [
    'Types: deb',
    `URIs: ${uri}`,
    `Suites: ${suite}`,
    ...(component === undefined ? [] : [`Components: ${component}`]),
    `Architectures: ${architectures.join(' ')}`,
    'Trusted: yes',
    '',
  ].join('\n');
}

/** A stanza of apt_preferences(5). */
/** A pin as apt_preferences(5) has it. */
export function pinStanza({ packages, pin, priority }: AptPin): string {
  return `Package: ${packages}\nPin: ${pin}\nPin-Priority: ${priority}\n`;
}
