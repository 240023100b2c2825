import { byBytes, type Step } from '../../../model/index.ts';
import { changeSteps } from '../../trees/package-changes.ts';
import { addressesOf, type RpmLock, type RpmSource, type RpmSpec } from '../spec.ts';

/**
 * What makes a laid root the system that was traced: repositories that no package brings, chosen alternatives, changed
 * files.
 */
export function plan(spec: RpmSpec, lock: RpmLock): readonly Step[] {
  const sources = spec.sources ?? lock.sources ?? [];
  const own = lock.configured;
  return [
    ...sources.filter(({ name }) => own === undefined || own.includes(name)).map(sourceStep),
    ...alternativeSteps(lock),
    ...changeSteps(lock.changed),
  ];
}

function sourceStep(source: RpmSource): Step {
  const { name, label, mirrorlist, metalink, priority } = source;
  const keys = source['key-addresses'] ?? [];
  const content = [
    `[${name}]`,
    `name=${label ?? name}`,
    ...(source.uri === undefined ? [] : [`baseurl=${addressesOf(source).join(' ')}`]),
    ...(mirrorlist === undefined ? [] : [`mirrorlist=${mirrorlist}`]),
    ...(metalink === undefined ? [] : [`metalink=${metalink}`]),
    'enabled=1',
    `gpgcheck=${keys.length > 0 ? 1 : 0}`,
    ...(keys.length === 0 ? [] : [`gpgkey=${keys.join(' ')}`]),
    ...(priority === undefined ? [] : [`priority=${priority}`]),
    '',
  ].join('\n');
  const file = name.replaceAll(/[^A-Za-z0-9._-]/g, '_');
  return {
    do: 'write',
    path: `/etc/yum.repos.d/${file}.repo`,
    content,
    because: `where packages come from: ${label ?? name}`,
  };
}

function alternativeSteps({ alternatives }: RpmLock): Step[] {
  return Object.entries(alternatives ?? {})
    .sort(([a], [b]) => byBytes(a, b))
    .map(([name, path]) => ({
      do: 'run',
      argv: ['update-alternatives', '--set', name, path],
      because: `${name} was chosen by hand`,
    }));
}
