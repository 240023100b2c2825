/** What one tree is by where it lies: its top folder, and who put it there. */
export interface Place {
  readonly top: string;
  /** `pyenv`, `nvm`, `rustup` … */
  readonly by?: string;
}

/**
 * Version managers keep one tree a version below these folders, wherever their own folder is. Each `*` is one name.
 * Each manager's manual has its layout.
 */
const versions: readonly (readonly [by: string, folder: string])[] = [
  ['pyenv', '.pyenv/versions/*'],
  ['pyenv', 'pyenv/versions/*'],
  ['rbenv', '.rbenv/versions/*'],
  ['nodenv', '.nodenv/versions/*'],
  ['goenv', '.goenv/versions/*'],
  ['plenv', '.plenv/versions/*'],
  ['rvm', '.rvm/rubies/*'],
  ['nvm', '.nvm/versions/node/*'],
  ['fnm', '.local/share/fnm/node-versions/*'],
  ['volta', '.volta/tools/image/*/*'],
  ['asdf', '.asdf/installs/*/*'],
  ['mise', '.local/share/mise/installs/*/*'],
  ['uv', '.local/share/uv/python/*'],
  ['uv', '.local/share/uv/tools/*'],
  ['pipx', '.local/share/pipx/venvs/*'],
  ['pipx', '.local/pipx/venvs/*'],
  ['sdkman', '.sdkman/candidates/*/*'],
  ['juliaup', '.julia/juliaup/*'],
  ['ghcup', '.ghcup/ghc/*'],
  ['opam', '.opam/*'],
  ['rustup', '.rustup/toolchains/*'],
  ['nix', '/nix/store/*'],
  ['guix', '/gnu/store/*'],
];

/** Folders of such managers (and of programs like them) themselves. */
const managers: readonly (readonly [by: string, folder: string])[] = [
  ['pyenv', '.pyenv'],
  ['rbenv', '.rbenv'],
  ['nodenv', '.nodenv'],
  ['goenv', '.goenv'],
  ['plenv', '.plenv'],
  ['rvm', '.rvm'],
  ['nvm', '.nvm'],
  ['volta', '.volta'],
  ['asdf', '.asdf'],
  ['sdkman', '.sdkman'],
  ['julia', '.julia'],
  ['ghcup', '.ghcup'],
  ['rustup', '.rustup'],
  ['cargo', '.cargo'],
  ['deno', '.deno'],
  ['bun', '.bun'],
  ['npm', '.npm-global'],
  ['perl', 'perl5'],
  ['linuxbrew', '.linuxbrew'],
];

const patterns = [...versions, ...managers].map(([by, folder]) => ({ by, expression: expressionOf(folder) }));

/** The place of a version manager that a path lies in. */
export function managedPlace(path: string): Place | undefined {
  for (const { by, expression } of patterns) {
    const top = expression.exec(path)?.[1];
    if (top !== undefined && top !== path) return { top, by };
  }
  return undefined;
}

/** Folders of /usr/local that are one tree together; others in it are trees of their own (/usr/local/go). */
const shared = new Set([
  'bin',
  'etc',
  'games',
  'include',
  'lib',
  'lib32',
  'lib64',
  'libexec',
  'man',
  'opt',
  'sbin',
  'share',
  'src',
  'var',
]);

/** Folders of ~/.local that programs are installed into; the rest of it is what programs remember. */
const local = /^(.*\/\.local)\/(?:bin|lib|lib32|lib64|libexec|include|opt|share\/(?:man|info|bash-completion|zsh))\//;

/** The place that a path lies in by custom: /usr/local, /opt/NAME, ~/.local, a node_modules. */
export function customaryPlace(path: string): Place | undefined {
  const modules = /^(.*?\/node_modules)\//.exec(path)?.[1];
  const [, first, second] = /^\/usr\/local\/([^/]+)(?:\/|$)(.*)/.exec(path) ?? [];
  if (first !== undefined) {
    if (shared.has(first)) return { top: '/usr/local' };
    return second === '' ? undefined : { top: `/usr/local/${first}` };
  }
  const [, name, version, rest] = /^\/opt\/([^/]+)\/([^/]+)(\/|$)/.exec(path) ?? [];
  if (name !== undefined) {
    return { top: rest === '/' && /^v?\d/i.test(version ?? '') ? `/opt/${name}/${version}` : `/opt/${name}` };
  }
  const home = local.exec(path)?.[1];
  if (home !== undefined) return { top: home };
  return modules === undefined ? undefined : { top: modules, by: 'npm' };
}

/**
 * Folders that could be the top of an installed tree, since the path lies in a folder of a name that such trees have.
 * Nearest first; the system's own are none.
 */
export function possibleTops(path: string): string[] {
  const parts = path.split('/');
  const tops: string[] = [];
  for (let at = parts.length - 2; at > 1; at -= 1) {
    if (!layout.has(parts[at] ?? '')) continue;
    const top = parts.slice(0, at).join('/');
    if (!/^(?:\/usr(?!\/local)|\/bin|\/lib|\/etc|\/var)(?:\/|$)/.test(top)) tops.push(top);
  }
  return tops;
}

const layout = new Set([
  'bin',
  'sbin',
  'lib',
  'lib32',
  'lib64',
  'libexec',
  'include',
  'share',
  'etc',
  'src',
  'pkg',
  'jre',
  'conf',
  'Scripts',
  'conda-meta',
]);

function expressionOf(folder: string): RegExp {
  const escaped = folder
    .split('*')
    .map((part) => RegExp.escape(part))
    .join('[^/]+');
  return new RegExp(folder.startsWith('/') ? `^(${escaped})(?:/|$)` : `^(.*?/${escaped})(?:/|$)`);
}
