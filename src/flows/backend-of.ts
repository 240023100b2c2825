import { safeParse } from 'valibot';

import { UserError } from '../model/index.ts';
import type { AnyBackend } from '../contract/index.ts';
import { near } from '../formats/near.ts';

/** The backend of that name; names what is known where there is none. */
export function backendOf(name: string, backends: readonly AnyBackend[]): AnyBackend {
  const found = backends.find((backend) => backend.name === name);
  if (found !== undefined) return found;
  const known = backends.map((backend) => backend.name);
  const close = near(name, known);
  throw new UserError(`unknown backend "${name}"`, {
    status: 2,
    hint: `${close === undefined ? '' : `did you mean ${close}? `}known: ${known.join(', ')}`,
  });
}

/** A backend's parameters, checked by its own schema. */
export function paramsOf(backend: AnyBackend, given: Readonly<Record<string, unknown>>): unknown {
  const parsed = safeParse(backend.params, given);
  if (parsed.success) return parsed.output;
  const details = parsed.issues.map(
    (issue) => `${issue.path?.map(({ key }) => String(key)).join('.') ?? '--set'}: ${issue.message}`,
  );
  throw new UserError(`wrong parameters for ${backend.name}: ${details.join('; ')}`, {
    status: 2,
    hint: 'repronim create --backend lists them',
  });
}

/** Whether what is created is a place that was there before, and is not made from files. Nothing is asked of it. */
export function isThere(
  name: string,
  given: Readonly<Record<string, unknown>>,
  { backends }: { readonly backends: readonly AnyBackend[] },
): boolean {
  const backend = backendOf(name, backends);
  if (backend.open === undefined) return false;
  return backend.isThere?.(paramsOf(backend, given)) ?? true;
}
