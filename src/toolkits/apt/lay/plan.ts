import { byBytes, type Step } from '../../../model/index.ts';
import { changeSteps } from '../../trees/package-changes.ts';
import { signers, type AptLock, type AptPin, type AptSource, type AptSpec } from '../spec.ts';

/**
 * What makes a laid root the system that was traced: sources with their keys, preferences, marks, chosen alternatives,
 * local diversions, changed files. (Lists are generated when the root is laid: they need the packages' own fields.)
 */
export function plan(spec: AptSpec, lock: AptLock): readonly Step[] {
  const sources = spec.sources ?? lock.sources ?? [];
  return [
    ...keySteps(sources, lock),
    ...sources.map((source) => sourceStep(source, lock)),
    ...preferenceSteps(spec, lock, sources),
    ...markSteps(lock),
    ...diversionSteps(lock),
    ...alternativeSteps(lock),
    ...changeSteps(lock.changed),
  ];
}

function keySteps(sources: readonly AptSource[], lock: AptLock): Step[] {
  const wanted = new Set(sources.flatMap((source) => signersOf(source, lock)));
  return Object.entries(lock.keys ?? {})
    .filter(([fingerprint]) => wanted.has(fingerprint))
    .sort(([a], [b]) => byBytes(a, b))
    .map(([fingerprint, { sha256, size }]) => ({
      do: 'write',
      path: keyFile(fingerprint),
      content: { sha256, size },
      because: 'the key that a source is signed by',
    }));
}

function keyFile(fingerprint: string): string {
  return `/etc/apt/keyrings/${fingerprint}.gpg`;
}

/** The keys that a source names; where it names none, those that its Release files were signed by. */
function signersOf(source: AptSource, { origins }: AptLock): readonly string[] {
  const named = signers(source);
  if (named.length > 0) return named;
  const own = Object.values(origins ?? {}).filter((origin) => origin.source === source.name);
  return [...new Set(own.flatMap((origin) => signers(origin)))].sort(byBytes);
}

function sourceStep(source: AptSource, lock: AptLock): Step {
  const keys = signersOf(source, lock).filter((fingerprint) => lock.keys?.[fingerprint] !== undefined);
  const content = [
    'Types: deb',
    `URIs: ${source.uri}`,
    `Suites: ${source.suites.join(' ')}`,
    ...(source.components === undefined || source.components.length === 0
      ? []
      : [`Components: ${source.components.join(' ')}`]),
    ...(keys.length === 0 ? [] : [`Signed-By: ${keys.map(keyFile).join(' ')}`]),
    '',
  ].join('\n');
  const because = `where packages come from: ${source.label ?? source.name}`;
  return { do: 'write', path: `/etc/apt/sources.list.d/${source.name.replaceAll('+', '_')}.sources`, content, because };
}

function preferenceSteps(spec: AptSpec, lock: AptLock, sources: readonly AptSource[]): Step[] {
  const pins = lock.preferences ?? [...sources.flatMap(priorityPin), ...(spec.pins ?? [])];
  if (pins.length === 0) return [];
  const content = pins
    .map(({ packages, pin, priority }) => `Package: ${packages}\nPin: ${pin}\nPin-Priority: ${priority}\n`)
    .join('\n');
  const because = 'what apt prefers';
  return [{ do: 'write', path: '/etc/apt/preferences.d/repronim.pref', content, because }];
}

function priorityPin({ uri, label, priority }: AptSource): AptPin[] {
  if (priority === undefined) return [];
  const host = URL.parse(uri)?.hostname ?? '';
  return [{ packages: '*', pin: label === undefined ? `origin "${host}"` : `release l=${label}`, priority }];
}

function markSteps({ packages, architectures }: AptLock): Step[] {
  const native = architectures?.[0];
  const stanzas = packages
    .filter(({ manual }) => manual !== true)
    .map(({ name, architecture }) => {
      const of = architecture === 'all' ? (native ?? architecture) : architecture;
      return `Package: ${name}\nArchitecture: ${of}\nAuto-Installed: 1\n`;
    });
  if (stanzas.length === 0) return [];
  const because = 'which packages are there for others only';
  return [{ do: 'write', path: '/var/lib/apt/extended_states', content: `${stanzas.join('\n')}\n`, because }];
}

function diversionSteps({ diversions }: AptLock): Step[] {
  return (diversions ?? [])
    .filter(({ by }) => by === undefined)
    .map(({ path, to }) => ({
      do: 'run',
      argv: ['dpkg-divert', '--quiet', '--local', '--rename', '--divert', to, '--add', path],
      because: `the administrator had put ${path} aside`,
    }));
}

function alternativeSteps({ alternatives }: AptLock): Step[] {
  return Object.entries(alternatives ?? {})
    .sort(([a], [b]) => byBytes(a, b))
    .map(([name, path]) => ({
      do: 'run',
      argv: ['update-alternatives', '--quiet', '--set', name, path],
      because: `${name} was chosen by hand`,
    }));
}
