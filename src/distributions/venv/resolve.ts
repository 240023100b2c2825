import { posix } from 'node:path';

import { UserError } from '../../model/index.ts';
import type { CreateContext } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import type { Beside, LayTarget } from '../../toolkits/python/lay.ts';
import { resolvePackages } from '../../toolkits/python/resolve.ts';
import type { VenvLock, VenvSpec } from './spec.ts';

const usualInterpreter = '/usr/bin/python3';

/** The wheels of an environment that somebody wishes for. */
export async function resolve(
  wish: VenvSpec,
  held: VenvLock | undefined,
  context: CreateContext,
  renew: true | readonly string[],
): Promise<Omit<VenvLock, 'of'>> {
  const interpreter = wish.interpreter ?? usualInterpreter;
  const python =
    wish.python ?? versionIn(interpreter, context.base) ?? held?.python ?? (await versionHere(interpreter));
  if (python === undefined) {
    throw new UserError(`which Python is ${wish.id ?? wish.type} for? ${interpreter} is not here`, {
      status: 2,
      hint: 'add "python: …" to it, the version of the Python that it stands on, such as "3.11"',
    });
  }
  return await resolvePackages(wish, python, held, context, renew, targetOf(wish, { python }));
}

/** That of the system's Python, by the package that has it; that of a Python that is the base itself. */
function versionIn(interpreter: string, base: CreateContext['base']): string | undefined {
  const name = /^\/usr\/(?:local\/)?bin\/(python3(?:\.\d+)?)$/.exec(interpreter)?.[1];
  const found =
    base?.find((one) => (one.name ?? one.key).split(':')[0] === (name ?? 'python')) ??
    base?.find((one) => one.name === 'Python' && interpreter.startsWith(`${one.key}/`));
  return /^(?:\d+:)?(\d+\.\d+)/.exec(found?.version ?? '')?.[1];
}

/** By what its links lead to: nothing is executed that a file names. */
async function versionHere(interpreter: string): Promise<string | undefined> {
  await using root = localRoot();
  const [real] = await root.realpath([interpreter]);
  return /^python(\d+\.\d+)$/.exec(posix.basename(real ?? ''))?.[1];
}

/** Where its packages are laid. */
export function targetOf(spec: VenvSpec, lock: Pick<VenvLock, 'python'>): LayTarget {
  const python = `python${/^\d+\.\d+/.exec(lock.python ?? '')?.[0] ?? '3'}`;
  return { site: `lib/${python}/site-packages`, python, interpreter: posix.join(spec.path, 'bin/python') };
}

/** What makes a folder an environment: its configuration, and links to the interpreter. */
export function besideOf(spec: VenvSpec, lock: VenvLock): Beside {
  const interpreter = spec.interpreter ?? usualInterpreter;
  const { python } = targetOf(spec, lock);
  return [
    { path: 'bin/python', target: 'python3' },
    { path: 'bin/python3', target: interpreter },
    ...(python === 'python3' ? [] : [{ path: `bin/${python}`, target: 'python3' }]),
    { path: 'lib64', target: 'lib' },
    {
      path: 'pyvenv.cfg',
      content: [
        `home = ${posix.dirname(interpreter)}`,
        `include-system-site-packages = ${spec['system-site-packages'] === true ? 'true' : 'false'}`,
        `version = ${lock.python ?? '3'}`,
        '',
      ].join('\n'),
    },
  ];
}
