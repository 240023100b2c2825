import type { InPlaceOptions } from '../flows/in-place/create-in-place.ts';
import type { Terminal } from './terminal.ts';
import type { OptionOf, Options } from './verb.ts';

/** Options of the verbs that change a place that was there before. */
export const inPlaceOptions: readonly OptionOf[] = [
  { flags: '--allow-system', says: 'on native and its like: packages of the system may be changed' },
  { flags: '-f, --force', says: 'on native and its like: replace what is there and different' },
];

/** What may be done to such a place; where there is a terminal, it is asked. */
export function inPlaceFrom(terminal: Terminal, options: Options): InPlaceOptions {
  return {
    allowSystem: options.flag('allowSystem'),
    force: options.flag('force'),
    ...(terminal.interactive
      ? {
          async ask(lines) {
            for (const line of lines) terminal.say(`          ${line}`);
            return await terminal.ask('do this to the system itself?');
          },
        }
      : {}),
  };
}
