import { existsSync } from 'node:fs';

import { UserError, type Spec } from '../../model/index.ts';
import { attach } from '../../flows/attach.ts';
import type { House } from '../../flows/house.ts';
import { load, loadStored } from '../../flows/load.ts';
import { resolve } from '../../flows/resolve.ts';
import { urlsOf, type Places } from '../../flows/urls.ts';
import { refuseStale } from '../../formats/spec/lock.ts';
import { tableLines } from '../render/table.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Say where the packages of a spec or an environment can be had, in the order in which they are looked for.',
  usage: ['urls NAME [PACKAGE …]', 'urls SPEC|BUNDLE [PACKAGE …]'],
  operands: [1, 1000],
  command: 'none',
  options: [{ flags: '--all', says: 'every address of each', otherwise: 'the first', matters: true }],
  examples: [
    ['repronim urls repronim.yaml', ''],
    ['repronim urls --all study dcm2niix', 'every address of one package'],
    ['repronim urls --json study.repronim', 'with sizes and sha256s, for programs'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const [word = '', ...packages] = operands;
    const most = options.flag('all') || packages.length > 0 ? 100 : 1;
    const found = await urlsOf(await specOf(word, house), { packages, most }, house);
    if (found.length === 0 && packages.length > 0) {
      throw new UserError(`${word} has no ${packages.join(', ')}`, { status: 2, hint: `repronim show --all ${word}` });
    }
    if (terminal.json) terminal.value(found);
    else for (const line of urlLines(found)) terminal.answer(line);
    return 0;
  },
};

async function specOf(word: string, house: House): Promise<Spec> {
  if (existsSync(word) || /\.(ya?ml|repronim)$/.test(word)) {
    const loaded = await load(word, house);
    refuseStale(loaded.spec, loaded);
    return await resolve({ spec: loaded.spec, entries: 'unlocked', renew: [] }, house);
  }
  const { record } = await attach(word, house);
  return await loadStored(word, record.spec, house);
}

function urlLines(found: readonly Places[]): string[] {
  const rows = found.flatMap(({ id, what, urls, stored }) => {
    const nowhere = stored ? 'no address: in the store' : 'no address: only in a bundle';
    const shown = urls.length === 0 ? [nowhere] : urls;
    return shown.map((url, index) => [index === 0 ? id : '', index === 0 ? what : '', url]);
  });
  return [...tableLines(rows)];
}
