import type { Exact } from '../../../contract/index.ts';
import type { Step } from '../../../model/index.ts';
import { plan } from '../lay/plan.ts';
import type { RpmLock, RpmLocked, RpmSpec } from '../spec.ts';

/** Where packages lie while a live environment changes. */
const folder = '/var/tmp/repronim-rpm';

/** What turns a live environment from one set of packages into another: by its own rpm, from the very .rpm files. */
export function change(from: Exact<RpmSpec, RpmLock>, to: Exact<RpmSpec, RpmLock>): readonly Step[] {
  const idOf = ({ name, version, architecture }: RpmLocked) => `${name}-${version}.${architecture}`;
  const had = new Set(from.lock.packages.map(idOf));
  const has = new Set(to.lock.packages.map(idOf));
  const stays = new Set(to.lock.packages.map(({ name, architecture }) => `${name}.${architecture}`));
  const fresh = to.lock.packages.filter((one) => !had.has(idOf(one)));
  const gone = from.lock.packages.filter((one) => !has.has(idOf(one)) && !stays.has(`${one.name}.${one.architecture}`));
  const rpm = ['rpm', '--dbpath', to.lock.database.path, '--define', '_netsharedpath /proc:/sys:/dev'] as const;
  const files = fresh.map((one, index) => ({ one, path: `${folder}/${index}.rpm` }));
  const unchecked = [
    '--nodeps',
    '--nosignature',
    '--nodigest',
    '--ignorearch',
    '--ignoreos',
    '--define',
    '_pkgverify_level none',
  ];
  const steps = files.map(({ one: { name, version, sha256, size }, path }): Step => ({
    do: 'write',
    path,
    content: { sha256, size },
    because: `${name} ${version} is to be installed`,
  }));
  if (gone.length > 0) {
    const names = gone.map(
      ({ name, version, architecture }) => `${name}-${version.replace(/^[0-9]+:/, '')}.${architecture}`,
    );
    steps.push({ do: 'run', argv: [...rpm, '-e', '--nodeps', '--', ...names], because: 'not wanted any more' });
  }
  if (files.length > 0) {
    const paths = files.map(({ path }) => path);
    steps.push(
      {
        do: 'run',
        argv: [...rpm, '-U', '--force', ...unchecked, '--', ...paths],
        because: 'wanted now, or in another version',
      },
      { do: 'remove', path: folder, because: 'the packages are installed' },
    );
  }
  const before = new Set(plan(from.spec, from.lock).map((step) => JSON.stringify(step)));
  return [...steps, ...plan(to.spec, to.lock).filter((step) => !before.has(JSON.stringify(step)))];
}
