/**
 * The verbs that only use an instance which is there, with all that they need: published as one file, since opening
 * files is most of the time that they take.
 */
import { verb as exec } from './commands/exec.ts';
import { verb as login } from './commands/login.ts';
import { verb as start } from './commands/start.ts';
import { verb as stop } from './commands/stop.ts';
import { invoke } from './invoke.ts';
import type { Verb } from './verb.ts';

const verbs: Readonly<Record<string, Verb>> = { exec, login, start, stop };

/** As `invoke`, for one of these verbs. */
export async function invokeLean(name: string, words: readonly string[]): Promise<number> {
  const verb = verbs[name];
  if (verb === undefined) throw new TypeError(`not a lean verb: ${name}`);
  return await invoke(name, async () => ({ verb }), words);
}
