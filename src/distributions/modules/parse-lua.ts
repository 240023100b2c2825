import { posix } from 'node:path';

import { luaTokens, type LuaToken } from './lua-tokens.ts';
import { ModuleNotebook, type Modulefile, type ModuleFacts } from './notebook.ts';

/** How deep calls in calls are followed. */
const deepest = 20;

interface Scene {
  readonly tokens: readonly LuaToken[];
  readonly facts: ModuleFacts;
  readonly variables: Map<string, string | undefined>;
  at: number;
}

/**
 * A Lua modulefile (Lmod's manual, "Lua Modulefile Functions"), read and not run: every call of Lmod's functions
 * counts, wherever it stands; values are texts, variables of its own, and joins of these; others are unknown.
 */
export function parseLuaModulefile(text: string, facts: ModuleFacts): Modulefile {
  const scene: Scene = { tokens: luaTokens(text), facts, variables: new Map(), at: 0 };
  const notebook = new ModuleNotebook();
  while (scene.at < scene.tokens.length) {
    const token = scene.tokens[scene.at];
    const next = scene.tokens[scene.at + 1];
    scene.at += 1;
    if (token?.name === undefined) continue;
    if (next?.sign === '=') {
      scene.at += 1;
      const value = expression(scene, 0);
      scene.variables.set(token.name, value);
      notebook.variable(value);
    } else if (next !== undefined && (next.sign === '(' || next.sign === '{' || next.text !== undefined)) {
      note(token.name, argumentsOf(scene, 0), notebook);
    }
  }
  return notebook.result();
}

function note(name: string, words: readonly (string | undefined)[], notebook: ModuleNotebook): void {
  const [first, second, third] = words;
  switch (name) {
    case 'setenv':
    case 'pushenv':
      if (words.length > 1) notebook.change('set', first, second);
      return;
    case 'unsetenv':
      notebook.change('unset', first);
      return;
    case 'prepend_path':
    case 'append_path': {
      const prepends = name === 'prepend_path';
      const parts = second === undefined ? [undefined] : second.split(third ?? ':').filter((part) => part !== '');
      for (const part of prepends ? parts.toReversed() : parts) {
        notebook.change(prepends ? 'prepend' : 'append', first, part, third);
      }
      return;
    }
    case 'conflict':
    case 'family':
      notebook.list('conflicts', words);
      return;
    case 'prereq':
    case 'prereq_any':
    case 'depends_on':
    case 'depends_on_any':
      notebook.list('needs', words);
      return;
    case 'load':
    case 'always_load':
    case 'try_load':
    case 'load_any':
      notebook.list('loads', words);
      return;
    case 'whatis':
      notebook.list('about', [first]);
      return;
    default:
  }
}

/** What stands between the brackets of a call, or the one text that needs none; `at` is past it. */
function argumentsOf(scene: Scene, depth: number): (string | undefined)[] {
  const open = scene.tokens[scene.at];
  if (open?.text !== undefined) {
    scene.at += 1;
    return [open.text];
  }
  const close = open?.sign === '{' ? '}' : ')';
  scene.at += 1;
  const values: (string | undefined)[] = [];
  while (scene.at < scene.tokens.length && scene.tokens[scene.at]?.sign !== close) {
    if (scene.tokens[scene.at]?.sign === ',') scene.at += 1;
    else values.push(expression(scene, depth + 1));
  }
  scene.at += 1;
  return values;
}

/** Values joined by `..`; undefined where one is unknown. Always moves on, and stops at a comma, a bracket or the next statement. */
function expression(scene: Scene, depth: number): string | undefined {
  let value: string | undefined = '';
  for (;;) {
    const part = operand(scene, depth);
    value = value === undefined || part === undefined || value.length + part.length > 8192 ? undefined : value + part;
    if (scene.tokens[scene.at]?.sign !== '..') break;
    scene.at += 1;
  }
  // `a and b`, `x == y`, `{…}[1]`: nothing that is a value here
  if (/^(?:==|~=|or|and|\[|:|\+|-|\*|\/)$/.test(scene.tokens[scene.at]?.sign ?? scene.tokens[scene.at]?.name ?? '')) {
    return undefined;
  }
  return value;
}

function operand(scene: Scene, depth: number): string | undefined {
  const token = scene.tokens[scene.at];
  scene.at += 1;
  if (token === undefined) return undefined;
  if (token.text !== undefined) return token.text;
  if (depth > deepest) return undefined;
  const next = scene.tokens[scene.at];
  if (token.name !== undefined && (next?.sign === '(' || next?.text !== undefined)) {
    return call(token.name, argumentsOf(scene, depth), scene.facts);
  }
  if (token.name !== undefined) return scene.variables.get(token.name);
  if (token.sign === '(') {
    scene.at -= 1;
    const inner = argumentsOf(scene, depth);
    return inner.length === 1 ? inner[0] : undefined;
  }
  return undefined;
}

function call(name: string, words: readonly (string | undefined)[], facts: ModuleFacts): string | undefined {
  const known = words.filter((word) => word !== undefined);
  if (known.length < words.length) return undefined;
  const [first = '', second] = known;
  switch (name) {
    case 'pathJoin':
      return posix.join(...known);
    case 'os.getenv':
      return Object.hasOwn(facts.env, first) ? facts.env[first] : second;
    case 'myModuleName':
      return posix.dirname(facts.name) === '.' ? facts.name : posix.dirname(facts.name);
    case 'myModuleVersion':
      return posix.basename(facts.name);
    case 'myModuleFullName':
      return facts.name;
    case 'myFileName':
      return facts.file;
    default:
      return undefined;
  }
}
