import { resourcesOf } from '../flows/resource.ts';
import type { House } from '../flows/house.ts';
import { backendLines } from './render/backends.ts';
import type { Terminal } from './terminal.ts';
import type { Options } from './verb.ts';

/** Answers `--backend` without a name, or with `help`: what there is, with its parameters. Whether that was asked. */
export function listBackends(options: Options, house: House, terminal: Terminal): boolean {
  if (!options.flag('backend') && options.text('backend') !== 'help') return false;
  for (const line of backendLines(house.backends, resourcesOf(house))) terminal.answer(line);
  return true;
}
