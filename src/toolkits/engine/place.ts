import { UserError } from '../../model/index.ts';
import type { PlaceOpener } from '../../contract/index.ts';
import { archiveRoot } from '../../roots/image/open.ts';
import { tarRoot } from '../../roots/tar.ts';
import { connectEngine } from './client.ts';
import { inspectContainer } from './container.ts';
import { inspectImage } from './image.ts';
import type { EngineKind } from './kind.ts';
import type { EngineParams } from './params.ts';

/** An image or a container that the daemon has, made by whomever: it is read as the daemon gives it out. */
export const enginePlace = (kind: EngineKind): PlaceOpener<EngineParams> => ({
  word: kind.name,
  operand: 'REF',
  async open(reference, params, { signal }) {
    const engine = await connectEngine(kind, params.host, signal);
    const label = `${kind.name}:${reference}`;
    const image = await inspectImage(engine, reference);
    if (image !== undefined) {
      const saved = await engine.stream('GET', `/images/${encodeURIComponent(reference)}/get`, { signal });
      return await archiveRoot(saved, label, { signal });
    }
    const container = await inspectContainer(engine, reference);
    if (container !== undefined) {
      const exported = await engine.stream('GET', `/containers/${container.Id}/export`, { signal });
      return await tarRoot(exported, label, { signal });
    }
    throw new UserError(`${engine.label} has neither an image nor a container ${reference}`, {
      status: 2,
      hint: `nothing is pulled: ${kind.name} pull ${reference}, if that is what you mean`,
    });
  },
});
