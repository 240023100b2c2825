import { isSafeAbsolute } from '../../model/index.ts';

/** The files of a packlist (ExtUtils::Packlist): a path a line, perhaps with attributes after it. */
export function parsePacklist(content: string): string[] {
  return content.split('\n').flatMap((line) => {
    if (line.length > 8192) return [];
    const path = line.replace(/(?: \w+=\S*)+$/, '').trim();
    return isSafeAbsolute(path) ? [path] : [];
  });
}

/** perllocal.pod (ExtUtils::Command::MM): the version that was installed last, by module. */
export function parsePerllocal(content: string): ReadonlyMap<string, string> {
  const versions = new Map<string, string>();
  for (const entry of content.split(/^=head2 /m)) {
    const name = /L<([\w:]+)\|/.exec(entry)?.[1];
    const version = /C<VERSION: ([^>\s]+)>/.exec(entry)?.[1];
    if (name !== undefined && version !== undefined) versions.set(name, version);
  }
  return versions;
}

/** cpanm's install.json; undefined where it is none. */
export function parseInstall(content: string): { name: string; version: string; archive?: string } | undefined {
  try {
    const { name, version, pathname } = (JSON.parse(content) ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || (typeof version !== 'string' && typeof version !== 'number')) return undefined;
    return { name, version: String(version), ...(typeof pathname === 'string' ? { archive: pathname } : {}) };
  } catch {
    return undefined;
  }
}

/** The version that a module declares, where it does so plainly. */
export function parseVersion(source: string): string | undefined {
  return (
    /^[ \t]*(?:our[ \t]+)?\$(?:[\w:]{1,200}::)?VERSION[ \t]*=[ \t]*(?:qv\()?['"]?(v?[\d._]+)/m.exec(source)?.[1] ??
    /^[ \t]*package[ \t]+[\w:]+[ \t]+(v?[\d._]+)/m.exec(source)?.[1]
  );
}
