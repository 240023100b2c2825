import { UserError } from '../../../model/index.ts';
import { findImage } from '../../../flows/image/find.ts';
import { nameOf } from '../../../flows/image/list.ts';
import { deleteImage } from '../../../flows/image/remove.ts';
import { houseOf } from '../../settings.ts';
import type { Invocation } from '../../verb.ts';

export async function run({ terminal, operands, options }: Invocation): Promise<number> {
  if (operands.length === 0)
    throw new UserError('IMAGE is missing', { status: 2, hint: 'usage: repronim image delete IMAGE…' });
  const house = houseOf(terminal);
  const found = [];
  for (const word of operands) found.push(await findImage(word, house));
  if (options.flag('dryRun')) {
    terminal.answer(`would delete ${found.map(nameOf).join(', ')}`);
    return 0;
  }
  if (terminal.interactive && !options.flag('yes') && !(await terminal.ask(`delete ${operands.join(', ')}?`))) return 0;
  const done = [];
  for (const word of operands) done.push(await deleteImage(word, house));
  if (terminal.json) terminal.value(done);
  for (const { untagged, deleted } of done)
    terminal.say(deleted === undefined ? `${untagged ?? ''} is no name any more` : `deleted ${deleted}`);
  return 0;
}
