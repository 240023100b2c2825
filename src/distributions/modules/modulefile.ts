import type { Modulefile, ModuleFacts } from './notebook.ts';
import { parseLuaModulefile } from './parse-lua.ts';
import { parseTclModulefile } from './parse-tcl.ts';

/** Longer ones are not read: a modulefile is a page or two. */
export const modulefileLimit = 1024 * 1024;

/** Whether a text is a modulefile: the cookie of Environment Modules, or Lmod's Lua, told by its name. */
export function isModulefile(file: string, text: string): boolean {
  return text.startsWith('#%Module') || (file.endsWith('.lua') && luaCall.test(text));
}

const luaCall = /\b(?:prepend_path|append_path|setenv|whatis|help|load|depends_on|family)\s*[({["']/;

/** Reads a modulefile of either kind without running it. Never throws. */
export function parseModulefile(text: string, facts: ModuleFacts): Modulefile {
  const read = text.startsWith('#%Module') ? parseTclModulefile : parseLuaModulefile;
  return read(text.slice(0, modulefileLimit), facts);
}
