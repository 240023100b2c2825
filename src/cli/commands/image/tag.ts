import { tagImage } from '../../../flows/image/tag.ts';
import { hallOf } from '../../hall-of.ts';
import type { Invocation } from '../../verb.ts';
import { mustHave } from './one.ts';

export async function run({ terminal, operands }: Invocation): Promise<number> {
  const [word, tag] = mustHave(operands, ['IMAGE', 'TAG'], 'image tag IMAGE TAG');
  const { digest, tags } = await tagImage(word, tag, hallOf(terminal));
  if (terminal.json) terminal.value({ digest: `sha256:${digest}`, tags });
  else terminal.say(`${digest.slice(0, 12)} is ${(tags ?? []).join(', ')}`);
  return 0;
}
