import type { Plugin } from 'esbuild';

/**
 * Some of Node's modules have exports that load much when they are looked at (`http.WebSocket`, `fs.ReadStream`,
 * `process.stdin`), and importing such a module by name looks at all of them. The bundle takes them another way, without
 * what is behind getters; and those that are large and seldom needed only when one of their functions is called.
 */
export const leanBuiltins: Plugin = {
  name: 'lean-builtins',
  setup(build) {
    build.onResolve({ filter: /^node:(child_process|crypto|fs|https?|process|sqlite|util)$/ }, ({ path }) => ({
      path,
      namespace: 'lean',
    }));
    build.onLoad({ filter: /./, namespace: 'lean' }, ({ path }) => {
      const builtin: object = process.getBuiltinModule(path) ?? {};
      const exports = Object.entries(Object.getOwnPropertyDescriptors(builtin)).filter(
        ([name, { get }]) => get === undefined && /^[A-Za-z]\w*$/.test(name) && name !== 'default',
      );
      const from = `process.getBuiltinModule(${JSON.stringify(path)})`;
      return {
        contents: (seldom.has(path) ? lazily : atOnce)(
          from,
          exports.map(([name, { value }]) => [name, value]),
        ),
      };
    });
  },
};

type Exports = readonly (readonly [name: string, value: unknown])[];

const seldom: ReadonlySet<string> = new Set(['node:crypto', 'node:http', 'node:https', 'node:sqlite']);

function atOnce(from: string, exports: Exports): string {
  const lines = exports.map(([name]) => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})();`);
  return [`const builtin = ${from};`, 'export default builtin;', ...lines].join('\n');
}

/** Functions and classes that fetch themselves when they are called or constructed. */
function lazily(from: string, exports: Exports): string {
  const lines = exports
    .filter(([, value]) => typeof value === 'function')
    .map(([name]) => `export const ${name} = /* @__PURE__ */ late(${JSON.stringify(name)});`);
  return [
    `let builtin;`,
    `const late = (name) => function (...given) {`,
    `  builtin ??= ${from};`,
    `  return new.target ? Reflect.construct(builtin[name], given) : builtin[name](...given);`,
    `};`,
    ...lines,
  ].join('\n');
}
