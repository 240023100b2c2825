import { byBytes, netChanges, type EnvironmentChange } from '../../model/index.ts';
import { comment, sh } from './quote.ts';

/**
 * What a POSIX shell sources to have these changes, in order. `repronim_deactivate` takes back exactly what there was:
 * values, what was not set, and what was set but not exported. Sourced again, it takes itself back first.
 */
export function renderActivation(changes: readonly EnvironmentChange[], about: string): string {
  const names = [...new Set(changes.map(({ name }) => name))].filter(isName).sort(byBytes);
  const left = [...new Set(changes.map(({ name }) => name))].filter((name) => !isName(name));
  const lines = [
    `# ${comment(about)}`,
    '# Source this: it is for sh and its kin. repronim_deactivate takes it back.',
    ...left.map((name) => `# left out, since a shell cannot have such a name: ${comment(name)}`),
    'if command -v repronim_deactivate >/dev/null 2>&1; then repronim_deactivate; fi',
    ...names.map(saveLine),
    'repronim_deactivate() {',
    ...names.map((name) => `  ${restoreLine(name)}`),
    '  hash -r 2>/dev/null || :',
    '  unset -f repronim_deactivate',
    '  if [ "${_repronim_short-}" = 1 ]; then unset -f deactivate; fi',
    '  unset _repronim_short',
    '}',
    'if ! command -v deactivate >/dev/null 2>&1; then',
    '  deactivate() { repronim_deactivate; }',
    '  _repronim_short=1',
    'fi',
    ...netChanges(changes.filter(({ name }) => isName(name))).map(changeLine),
    'hash -r 2>/dev/null || :',
  ];
  return lines.join('\n');
}

/** A name of the shell's (POSIX.1-2024, 3.216), and none that shells keep for themselves. */
function isName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !/^(?:_|IFS|OPTIND|PPID|UID|EUID|SHELLOPTS|BASHOPTS)$/.test(name);
}

/** Only a child tells whether a variable is exported. */
function saveLine(name: string): string {
  return (
    `if [ "\${${name}+x}" != x ]; then _repronim_had_${name}=no; else ` +
    `_repronim_was_${name}=$${name}; ` +
    `if /bin/sh -c '[ "\${${name}+x}" = x ]'; then _repronim_had_${name}=exported; ` +
    `else _repronim_had_${name}=set; fi; fi`
  );
}

function restoreLine(name: string): string {
  return (
    `unset ${name}; case $_repronim_had_${name} in ` +
    `exported) ${name}=$_repronim_was_${name}; export ${name} ;; set) ${name}=$_repronim_was_${name} ;; esac; ` +
    `unset _repronim_had_${name} _repronim_was_${name}`
  );
}

function changeLine(change: EnvironmentChange): string {
  const { name } = change;
  if (change.do === 'unset') return `unset ${name}`;
  const value = sh`${change.value}`;
  if (change.do === 'set') return `${name}=${value}; export ${name}`;
  return `${name}=${value}"\${${name}:+:$${name}}"; export ${name}`;
}
