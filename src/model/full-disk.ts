import { UserError } from './error.ts';
import { sizeText } from './size.ts';

/** There was no room for what was to be written. Says where, and how much it was. */
export class DiskFull extends UserError {
  constructor(message: string, cause: unknown) {
    super(message, {
      hint: 'nothing half is left: make room (repronim prune removes what nobody uses), then do the same again',
      cause,
    });
  }
}

/** The same of a place that is not this machine's, or not ours to measure: an engine's storage, a folder of a host. */
export function fullElsewhere(error: unknown, place: string, needed: number): unknown {
  if (!isDiskFull(error) || error instanceof DiskFull) return error;
  return new DiskFull(`no room in ${place}: ${sizeText(needed)} or more needed`, error);
}

/** Whether a disk was full: of this machine, or one that another program or machine spoke of. */
export function isDiskFull(error: unknown): error is Error {
  return causesOf(error).some(
    (one) =>
      one instanceof DiskFull ||
      ['ENOSPC', 'EDQUOT'].includes((one as NodeJS.ErrnoException).code ?? '') ||
      // children and engines say it in words; those of strerror(3), whatever stands around them
      [one.message, ...(one instanceof UserError ? one.details : [])].some((text) =>
        /no space left on device|disk quota exceeded/i.test(text),
      ),
  );
}

/** Paths that such an error names, those of the deepest cause first. */
export function pathsOfFull(error: unknown): readonly string[] {
  return causesOf(error)
    .toReversed()
    .flatMap((one) => {
      const { path, dest } = one as NodeJS.ErrnoException & { readonly dest?: string };
      const said = [one.message, ...(one instanceof UserError ? one.details : [])];
      const named = said.flatMap((text) =>
        [...text.matchAll(/(\/[^\s:'"`]+)[^/]{0,40}(?:no space left|disk quota)/gi)].map(([, name]) => name),
      );
      return [dest, path, ...named].filter((name) => name?.startsWith('/') === true) as string[];
    });
}

function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && causes.length < 10; at = at.cause) causes.push(at);
  return causes;
}
