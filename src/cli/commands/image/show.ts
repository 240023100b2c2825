import { findImage, specOfImage } from '../../../flows/image/find.ts';
import { listImages } from '../../../flows/image/list.ts';
import { houseOf } from '../../settings.ts';
import type { Invocation } from '../../verb.ts';
import { mustHave } from './one.ts';

export async function run({ terminal, operands }: Invocation): Promise<number> {
  const [word] = mustHave(operands, ['IMAGE'], 'image show IMAGE');
  const house = houseOf(terminal);
  const image = await findImage(word, house);
  const spec = await specOfImage(image, house);
  const listed = (await listImages(house)).find(({ digest }) => digest === image.digest);
  if (terminal.json) {
    terminal.value({ ...listed, directory: image.directory, spec });
    return 0;
  }
  const packages = house.distributions.flatMap((plugin) =>
    (spec?.distributions ?? []).flatMap((entry) => (entry.type === plugin.type ? [plugin.title] : [])),
  );
  const lines: [string, string][] = [
    ['image', listed?.tags.join(', ') || '-'],
    ['digest', `sha256:${image.digest}`],
    ['tree', image.directory],
    ['origin', image.from ?? 'built from its spec'],
    ['spec', spec === undefined ? 'none' : packages.join(', ')],
    ['backends', listed?.backends.join(', ') || '-'],
    ['instances', listed?.instances.join(', ') || '-'],
  ];
  for (const [key, value] of lines) terminal.answer(`${key.padEnd(9)}  ${value}`);
  return 0;
}
