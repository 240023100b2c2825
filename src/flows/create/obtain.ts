import { UserError, type ContentRef } from '../../model/index.ts';
import type { CreateContext, Missing, Obtained } from '../../contract/index.ts';
import type { Made, Part } from '../plan.ts';

/** Brings everything that the parts need into the store. Throws where something can't be had, and says where it was sought. */
export async function obtainAll(
  parts: readonly Part[],
  context: CreateContext,
): Promise<{ made: Made; obtained: Obtained }> {
  const wanted = await Promise.all(parts.map(({ plugin, spec, lock }) => plugin.wanted(spec, lock, context)));
  const unique = new Map(wanted.flat().map((want) => [want.sha256, want]));
  const answers = [await context.fetch([...unique.values()])];
  refuseMissing(answers[0]?.missing ?? []);
  const made: Record<string, Readonly<Record<string, ContentRef>>> = {};
  for (const { id, plugin, spec, lock } of parts) {
    if (plugin.prepare === undefined) continue;
    const answer = await plugin.prepare(spec, lock, context);
    refuseMissing(answer.missing);
    made[id] = answer.made;
    answers.push(answer);
  }
  return { made, obtained: merge(answers) };
}

/** Throws UserError for what can be had nowhere, and says where it was sought. */
export function refuseMissing(missing: readonly Missing[]): void {
  if (missing.length === 0) return;
  const details = missing.flatMap(({ what, tried }) => [what, ...triedLines(tried)]);
  throw new UserError(
    missing.length === 1
      ? `${missing[0]?.what ?? ''} can be had nowhere`
      : `${missing.length} things can be had nowhere`,
    { details, hint: 'a bundle brings them along: repronim trace --bundle --complete, where the trace was made' },
  );
}

/** Where it was sought: each place with its reason, and in one line those that have nothing at all. */
function triedLines(tried: Missing['tried']): string[] {
  if (tried.length === 0) return ['  nowhere to look: neither an archive nor a bundle is known'];
  const absent = tried.filter(({ because }) => because === 'not there');
  if (absent.length < 3) return tried.map(({ label, because }) => `  ${label}: ${because}`);
  const others = tried.filter((one) => !absent.includes(one));
  return [
    `  not in ${absent.map(({ label }) => label).join(', ')}`,
    ...others.map(({ label, because }) => `  ${label}: ${because}`),
  ];
}

function merge(answers: readonly Obtained[]): Obtained {
  const from: Record<string, number> = {};
  for (const answer of answers) {
    for (const [kind, count] of Object.entries(answer.from)) from[kind] = (from[kind] ?? 0) + count;
  }
  return { from, missing: [], refused: answers.flatMap(({ refused }) => refused) };
}
