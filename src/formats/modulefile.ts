import { netChanges, UserError, type EnvironmentChange } from '../model/index.ts';

/** An environment as a module of Environment Modules or Lmod. */
export interface Module {
  /** `study/7f3a`; what else of the same name conflicts. */
  readonly name: string;
  /** For `module whatis` and `module help`: one line. */
  readonly about: string;
  /** In the order in which a shell would make them. */
  readonly changes: readonly EnvironmentChange[];
}

/**
 * A Tcl modulefile (modulefile(4)), which both tools load: the file's name below a MODULEPATH folder is the module's.
 * A list of paths goes before what is there, also where it is set: a shell whose `PATH` was replaced finds no module tool
 * any more, and unloading gives back only what was put before something.
 */
export function tclModulefile({ name, about, changes }: Module): string {
  return [
    '#%Module1.0',
    `module-whatis ${tclWord(oneLine(about))}`,
    `conflict ${tclWord(family(name))}`,
    ...asModule(changes).map((change) => {
      const variable = variableOf(change);
      if (change.do === 'unset') return `unsetenv ${variable}`;
      const verb = change.do === 'set' ? 'setenv' : 'prepend-path';
      return `${verb} ${variable} ${tclWord(valueOf(change))}`;
    }),
    '',
  ].join('\n');
}

/** The same in Lmod's own Lua; its file ends in `.lua`. */
export function luaModulefile({ name, about, changes }: Module): string {
  return [
    `whatis(${luaText(oneLine(about))})`,
    `conflict(${luaText(family(name))})`,
    ...asModule(changes).map((change) => {
      const variable = luaText(variableOf(change));
      if (change.do === 'unset') return `unsetenv(${variable})`;
      const verb = change.do === 'set' ? 'setenv' : 'prepend_path';
      return `${verb}(${variable}, ${luaText(valueOf(change))})`;
    }),
    '',
  ].join('\n');
}

/** As a module makes them: a list of paths that is set goes before what is there. */
function asModule(changes: readonly EnvironmentChange[]): readonly EnvironmentChange[] {
  return netChanges(changes.filter(isOurs)).map((change) => {
    const isList = change.do === 'set' && change.name.endsWith('PATH') && change.value.includes('/');
    return isList ? { ...change, do: 'prepend' } : change;
  });
}

/** What a module tool knows of itself is never a module's to set. */
function isOurs({ name }: EnvironmentChange): boolean {
  return !/^(?:LOADEDMODULES|_LMFILES_|MODULEPATH|MODULESHOME|_ModuleTable.*|_*(?:MODULES|LMOD)_.*)$/.test(name);
}

function family(name: string): string {
  if (!/^[\w.+-]+(?:\/[\w.+-]+)*$/.test(name)) {
    throw new UserError(`"${name}" is no name for a module`, {
      status: 2,
      hint: 'letters, digits and . _ + -, with / between its parts: study/1.0',
    });
  }
  return name.replace(/\/[^/]*$/, '');
}

function variableOf({ name }: EnvironmentChange): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new UserError(`"${name}" can be set by no modulefile`);
  return name;
}

function valueOf(change: EnvironmentChange): string {
  const value = 'value' in change ? change.value : '';
  if (value.includes('\0')) throw new UserError(`the value of ${change.name} contains NUL`);
  return value;
}

/** In quotes, where only these are special (Tcl(n), rules 4, 7 to 9). */
function tclWord(value: string): string {
  const escaped = value.replaceAll(/[\\"$[\]{}]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`);
  return /^[\w./:@%+=,-]+$/.test(value) && !value.startsWith('-') ? value : `"${escaped}"`;
}

/** A short literal (Lua 5.1 reference manual 2.1); control characters as decimal escapes. */
function luaText(value: string): string {
  const escaped = value.replaceAll(/[\\"]/g, String.raw`\$&`);
  // oxlint-disable-next-line no-control-regex
  return `"${escaped.replaceAll(/[\x01-\x1f\x7f]/g, (char) => `\\${String(char.charCodeAt(0)).padStart(3, '0')}`)}"`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
