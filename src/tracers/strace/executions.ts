import { did, type Touched } from './accesses.ts';
import { listArgument, parseCall, descriptorPath, stringArgument, type Call } from './arguments.ts';
import type { Process } from './processes.ts';
import { binaryFormats, type Interpreter } from './programs.ts';
import type { Located, Scene } from './scene.ts';

const deepest = 5; // how many interpreters the kernel follows (exec_binprm of fs/exec.c)
const mostPrograms = 10_000;
const mostArgumentBytes = 8 * 1024 * 1024;

/** What one execution touched; the same again as long as no name and none of the files has changed. */
interface Known {
  readonly file: string;
  readonly touched: readonly (readonly [file: Touched, flags: number])[];
  readonly generation: number;
}

/** Takes lines of execve and execveat that succeeded; `text` may lack its result. */
export function watchExecutions(scene: Scene, unprivileged: boolean): (process: Process, text: string) => void {
  const formats = binaryFormats();
  const known = new Map<string, Known>();
  const interpreters = new Map<string, Interpreter | undefined>();

  function interpreterOf(file: Touched): Interpreter | undefined {
    if ((file.flags & did.written) !== 0) return scene.look.interpreter(file.path, formats);
    if (!interpreters.has(file.path)) interpreters.set(file.path, scene.look.interpreter(file.path, formats));
    return interpreters.get(file.path);
  }

  function execute(process: Process, name: string, from: string | undefined): Known {
    const touched: [Touched, number][] = [];
    const take = (located: Located, flags: number, asked: string): Touched | undefined => {
      for (const file of scene.files(located)) {
        touched.push([file, flags]);
        file.flags |= flags;
        scene.reached(file, located, asked);
      }
      return located.host === undefined ? undefined : scene.accesses.touch(located.host, false);
    };
    const asked = (path: string) =>
      path.startsWith('/') ? process.place.root + path : `${from ?? process.place.cwd}/${path}`;
    const located = scene.locate(process, name, { ...(from === undefined ? {} : { from }), follow: true });
    let file = take(located, did.read | did.executed, asked(name));
    for (let depth = 0; depth < deepest && file !== undefined; depth += 1) {
      if (unprivileged && scene.look.isSetuid(file.path)) scene.odd.setuid.add(file.path);
      const interpreter = interpreterOf(file);
      if (interpreter === undefined) break;
      const next = scene.locate(process, interpreter.name, { follow: true });
      const flags = interpreter.executed ? did.read | did.executed : did.read;
      file = take(next, flags, asked(interpreter.name));
      if (!interpreter.executed) break;
    }
    return { file: located.shown, touched, generation: scene.generation };
  }

  function list(file: string, call: Call, argument: number): void {
    const raw = call.args[argument] ?? '';
    const key = `${file}\0${raw}`;
    if (scene.programs.has(key)) return;
    if (scene.programs.size >= mostPrograms || scene.argumentBytes > mostArgumentBytes) {
      scene.odd.droppedPrograms.add(file);
      return;
    }
    scene.argumentBytes += key.length;
    scene.programs.set(key, { file, argv: listArgument(raw) });
  }

  return (process, text) => {
    const call = parseCall(`${text}) = 0`.replace(/\) = 0\) = 0$/, ') = 0'));
    if (call === undefined) return;
    const at = call.name === 'execveat' ? 1 : 0;
    const name = stringArgument(call.args[at]);
    if (name === undefined) return;
    const folder = at === 1 ? descriptorPath(call.args[0]) : undefined;
    if (name === '' && folder === undefined) return; // a program in memory
    const path = name === '' ? (folder ?? '') : name;
    if (name === '' && (call.args[0] ?? '').endsWith('>(deleted)')) return;
    const from = name === '' ? undefined : folder;
    const key = `${process.place.root}\0${path.startsWith('/') ? '' : (from ?? process.place.cwd)}\0${path}`;
    let found = process.view.own ? undefined : known.get(key);
    const stale =
      found === undefined ||
      found.generation !== scene.generation ||
      found.touched.some(([file]) => (file.flags & did.written) !== 0);
    if (found === undefined || stale) {
      // An execveat by descriptor names the file by its resolved path already, from this machine's root.
      const inside = name === '' ? { ...process, place: { ...process.place, root: '' } } : process;
      found = execute(inside, path, from);
      if (!process.view.own) known.set(key, found);
    } else for (const [file, flags] of found.touched) file.flags |= flags;
    process.program = found.file;
    list(found.file, call, at + 1);
  };
}
