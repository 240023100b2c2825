import { byBytes, type Note } from '../../model/index.ts';
import type { Access, TraceResult } from '../../contract/index.ts';
import { did, type Touched } from './accesses.ts';
import type { Scene } from './scene.ts';
import { socketNotes } from './sockets.ts';

const nothing: readonly string[] = [];

/** What a finished run comes to, sorted. */
export function reportScene(scene: Scene, status: number): Omit<TraceResult, 'notes'> & { readonly notes: Note[] } {
  const touched = [...scene.accesses.all()].sort((a, b) => byBytes(a.path, b.path) || a.flags - b.flags);
  return {
    status,
    accesses: touched.map((file) => toAccess(scene, file)),
    directories: [...scene.directories].sort(byBytes),
    programs: [...scene.programs].sort(([a], [b]) => byBytes(a, b)).map(([, program]) => program),
    sockets: [...scene.sockets].filter((socket) => !scene.ownSockets.has(socket)).sort(byBytes),
    notes: [...socketNotes(scene.sockets, scene.ownSockets), ...oddNotes(scene, touched)],
  };
}

function toAccess({ look }: Scene, file: Touched): Access {
  const { flags } = file;
  const has = (bit: number) => (flags & bit) !== 0;
  const foreign = has(did.foreign);
  return {
    path: file.path,
    read: has(did.read),
    written: has(did.written),
    executed: has(did.executed),
    writtenFirst: has(did.writtenFirst),
    removed: has(did.removed) && (foreign || !look.isThere(file.path)),
    directory: has(did.directory),
    asked: (flags & ~did.foreign) === did.asked,
    via: file.via === undefined ? nothing : [...file.via].sort(byBytes),
    foreign,
  };
}

function oddNotes(scene: Scene, touched: readonly Touched[]): Note[] {
  const { odd } = scene;
  const each = (programs: ReadonlySet<string>, kind: Note['kind'], text: string): Note[] =>
    [...programs].sort(byBytes).map((path) => ({ kind, text: `${path} ${text}`, path }));
  const foreign = touched.filter((file) => (file.flags & did.foreign) !== 0).length;
  return [
    ...each(
      odd.traced,
      'incomplete',
      'traces other programs: while it is watched itself it can not, or what it watches is not seen',
    ),
    ...each(odd.usedUring, 'incomplete', 'used io_uring: what it opened through that is not in the trace'),
    ...each(
      odd.failedWithoutUring,
      'incomplete',
      'was refused io_uring, so that what it opens is seen, and failed; --allow-io-uring lets it have it',
    ),
    ...each(
      odd.byHandle,
      'incomplete',
      'opened files by handles that it had from elsewhere: they are not in the trace',
    ),
    ...each(
      odd.setuid,
      'warning',
      'has more rights than who runs it (setuid, or capabilities): under a tracer it ran with yours',
    ),
    ...each(odd.droppedPrograms, 'incomplete', 'was run with more argument lists than are kept'),
    ...(scene.strays === 0
      ? []
      : [
          {
            kind: 'incomplete',
            text: `${scene.strays} processes have no known parent: names relative to their folders may be wrong`,
          } as const,
        ]),
    ...(foreign === 0
      ? []
      : [
          {
            kind: 'incomplete',
            text: `${foreign} paths were used in another mount namespace: they are named, but may not be files of this machine`,
          } as const,
        ]),
  ];
}
