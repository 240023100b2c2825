import { importImage } from '../../../flows/image/import.ts';
import { nameOf } from '../../../flows/image/list.ts';
import { houseOf } from '../../settings.ts';
import type { Invocation } from '../../verb.ts';
import { mustHave } from './one.ts';

export async function run({ terminal, operands, options }: Invocation): Promise<number> {
  const [from] = mustHave(operands, ['FILE'], 'image import FILE|PLACE -t TAG [--spec SPEC]');
  const spec = options.text('spec');
  const image = await importImage(
    from,
    { tags: options.list('tag'), ...(spec === undefined ? {} : { spec }) },
    houseOf(terminal),
  );
  if (terminal.json) terminal.value({ digest: `sha256:${image.digest}`, tags: image.tags, spec: image.spec });
  else terminal.answer(`${nameOf(image)}  sha256:${image.digest}`);
  if (image.spec === undefined) {
    terminal.say('          it has no spec: it can be used and compared, but there is nothing to verify it against');
  }
  return 0;
}
