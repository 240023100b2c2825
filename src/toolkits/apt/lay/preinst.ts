import type { Laid } from './merge.ts';

/**
 * What a package's preinst asks for on a first installation.
 * `none`: it has none, or one that only minds upgrades. `after`: it may run when everything is unpacked, as when a
 * root is bootstrapped. `before`: it diverts files, makes accounts or overrides that its own files need, or clears a
 * folder that its own files go to, so that dpkg itself has to unpack this package, in order.
 */
export type PreinstKind = 'none' | 'after' | 'before';

/** Looks at a preinst without running it. When in doubt it is not `none`. */
export function preinstKind({ payload }: Pick<Laid, 'payload'>): PreinstKind {
  const script = payload.control.find(({ name }) => name === 'preinst')?.content.toString('latin1');
  if (script === undefined) return 'none';
  const lines = script
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.every((line) => harmless.test(line))) return 'none';
  return lines.some((line) => early.test(line)) || clearsOwn(lines, payload.entries) ? 'before' : 'after';
}

function clearsOwn(lines: readonly string[], entries: readonly string[]): boolean {
  const cleared = lines.flatMap((line) =>
    [...line.matchAll(clearing)].map(([, path = '']) => path.replace(/\/+$/, '')),
  );
  return cleared.some((path) => entries.some((entry) => entry.startsWith(`${path}/`, 1) || entry.slice(1) === path));
}

/** dpkg-maintscript-helper(1) does nothing when no version was there before. */
const harmless =
  /^(?:set -[eu]+|exit 0|:|true|(?:\/usr\/bin\/)?dpkg-maintscript-helper (?:rm_conffile|mv_conffile|symlink_to_dir|dir_to_symlink) [^;&|`$()<>]*(?:"\$@")?)$/;

const early = /\b(?:dpkg-divert|dpkg-statoverride|adduser|addgroup|useradd|groupadd|usermod|systemd-sysusers)\s+-/;

/** `rm -rf /a/folder`: its path as it is written; one in a variable is not known. */
const clearing = /\brm\s+-[a-zA-Z]*[rR][a-zA-Z]*\s+(?:--\s+)?["']?(\/[\w@%+=:,./-]+)/g;

/** The names that a dpkg can't run without, and what they need: never held back. */
export function baseSet(packages: readonly Laid[], dependenciesOf: (laid: Laid) => readonly Laid[]): ReadonlySet<Laid> {
  const base = new Set<Laid>();
  const visit = (laid: Laid) => {
    if (base.has(laid)) return;
    base.add(laid);
    for (const other of dependenciesOf(laid)) visit(other);
  };
  for (const laid of packages) {
    if (laid.fields.get('essential') === 'yes' || laid.deb.name === 'dpkg') visit(laid);
  }
  return base;
}
