import { UserError } from '../../model/index.ts';
import type { Adopter, Instance, InstanceStatus } from '../../contract/index.ts';
import { connectEngine, type Engine } from './client.ts';
import { inspectContainer, type ContainerFacts } from './container.ts';
import { inspectImage } from './image.ts';
import type { EngineKind } from './kind.ts';
import type { EngineParams } from './params.ts';
import { containerSession } from './session.ts';

/** Containers that somebody else has made: entered while they run, and otherwise left alone. */
export const engineAdopter = (kind: EngineKind): Adopter<EngineParams> => ({
  word: kind.name,
  async find(reference, params, { signal }) {
    const engine = await connectEngine(kind, params.host, signal);
    const container = await inspectContainer(engine, reference);
    if (container !== undefined) return { host: engine.address, container: container.Id };
    if ((await inspectImage(engine, reference)) !== undefined) return undefined;
    throw new UserError(`${engine.label} has neither an image nor a container ${reference}`, {
      status: 2,
      hint: `${kind.name} ps --all lists its containers`,
    });
  },
  enter({ name, facts }, _writable, params, { signal }) {
    const [host, id] = [String(facts['host']), String(facts['container'])];
    const engine = async () => await connectEngine(kind, host, signal);
    return foreignContainer({ kind, name, id, engine, params });
  },
});

interface Foreign {
  readonly kind: EngineKind;
  readonly name: string;
  readonly id: string;
  readonly params: EngineParams;
  engine(): Promise<Engine>;
}

function foreignContainer({ kind, name, id, params, engine }: Foreign): Instance {
  const notOurs = (what: string) => {
    const hint = `${kind.name} ${what} ${id.slice(0, 12)}`;
    return new UserError(`${name} was not made by repronim, which does not ${what} it`, { status: 2, hint });
  };
  const mustRun = (found: ContainerFacts | undefined) => {
    if (found === undefined) {
      throw new UserError(`the container of ${name} is gone`, { hint: `repronim delete ${name} forgets it` });
    }
    if (found.State.Running) return;
    throw new UserError(`the container of ${name} is not running`, {
      hint: `${kind.name} start ${id.slice(0, 12)}: repronim does not start what it has not made`,
    });
  };
  return {
    name,
    async status(): Promise<InstanceStatus> {
      const found = await inspectContainer(await engine(), id);
      if (found === undefined) return 'gone';
      return found.State.Running ? 'running' : 'stopped';
    },
    async start() {
      throw notOurs('start');
    },
    async stop() {
      throw notOurs('stop');
    },
    async session() {
      const connected = await engine();
      const ensureRunning = async () => mustRun(await inspectContainer(connected, id));
      await ensureRunning();
      const instead = async () => new Map();
      return containerSession({
        engine: connected,
        container: id,
        name,
        params,
        ensureRunning,
        instead,
        leave: async () => {},
      });
    },
    async remove() {}, // it is somebody else's
  };
}
