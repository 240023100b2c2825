import { RootError, type Root } from '../contract/index.ts';
import { isWithin } from '../model/index.ts';

/**
 * A folder of a root as a root of its own, by the root's own eyes: what that has read already is not read twice. A link
 * on the way whose target is absolute is followed once, and what it leads to looked for below the folder.
 */
export function rootBelow(root: Root, top: string): Root {
  const label = `${root.label}:${top}`;
  const outer = (path: string) => (path === '/' ? top : top + path);
  const inner = (path: string) => (path === top ? '/' : path.slice(top.length));
  /** Where a link leads that leads nowhere outside. */
  const targetOf = async (path: string): Promise<string | undefined> => {
    const target = await root.readlink(outer(path)).catch(() => '');
    return target.startsWith('/') ? outer(target) : undefined;
  };
  const places = async (paths: readonly string[]): Promise<readonly (string | undefined)[]> => {
    const found = await root.realpath(paths.map(outer));
    const led = await Promise.all(
      found.map(async (path, index) => {
        if (path === undefined) return await targetOf(paths[index] ?? '/');
        return isWithin(path, top) ? path : outer(path);
      }),
    );
    const again = led.map((path, index) => (path === found[index] ? undefined : path));
    if (again.every((path) => path === undefined)) return led;
    const real = await root.realpath(again.map((path) => path ?? '/'));
    return led.map((path, index) => {
      if (again[index] === undefined) return path;
      const to = real[index];
      return to !== undefined && isWithin(to, top) ? to : undefined;
    });
  };
  const placed = async (path: string): Promise<string> => {
    const [place] = await places([path]);
    if (place === undefined) throw new RootError('ENOENT', path, label);
    return place;
  };
  return {
    label,
    readFile: async (path, limit) => await root.readFile(await placed(path), limit),
    readdir: async (path) => await root.readdir(await placed(path)),
    readlink: async (path) => await root.readlink(outer(path)),
    lstat: async (paths) => await root.lstat(paths.map(outer)),
    realpath: async (paths) => (await places(paths)).map((path) => (path === undefined ? undefined : inner(path))),
    async digest(paths, algorithm) {
      const real = await places(paths);
      // what is not there has no digest: a folder stands for it
      return await root.digest(
        real.map((path) => path ?? top),
        algorithm,
      );
    },
    async *scan({ below = ['/'], except = [], ...options } = {}) {
      for await (const entry of root.scan({ ...options, below: below.map(outer), except: except.map(outer) })) {
        yield { ...entry, path: inner(entry.path) };
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}
