import { pinMeans } from '../read/preferences.ts';
import type { AptOrigin, AptPin, AptSource } from '../spec.ts';

interface Named {
  readonly origin: AptOrigin;
}

/**
 * Pins that stand for the sources' own priorities: for each, the shortest that means its indices and no others, by what
 * their Release files say.
 */
export function priorityPins(sources: readonly AptSource[], origins: readonly Named[]): readonly AptPin[] {
  return sources.flatMap(({ name, priority }) => {
    if (priority === undefined) return [];
    const own = origins.filter(({ origin }) => origin.source === name);
    return pinsFor(own, origins).map((pin) => ({ packages: '*', pin, priority }));
  });
}

function pinsFor(own: readonly Named[], all: readonly Named[]): readonly string[] {
  const means = (pin: string) => all.filter(({ origin }) => pinMeans(pin, origin));
  const whole = own.slice(0, 1).flatMap(({ origin }) => formsOf(origin));
  const one = whole.find((pin) => sameSet(means(pin), own));
  if (one !== undefined) return [one];
  const each = own.map((index) => {
    const forms = formsOf(index.origin);
    return forms.find((pin) => means(pin).every((other) => own.includes(other))) ?? forms.at(-1) ?? '';
  });
  return [...new Set(each)].filter((pin) => pin !== '');
}

/** Ways to say it, the shortest first. A text with a comma in it can't be said. */
function formsOf({ label, origin, codename, suite, component, uri }: AptOrigin): string[] {
  const condition = (key: string, value: string | undefined) =>
    value === undefined || value.includes(',') ? [] : [`${key}=${value}`];
  const by = condition('l', label);
  const forms = [
    by,
    [...by, ...condition('n', codename)],
    [...condition('o', origin), ...by, ...condition('n', codename), ...condition('a', suite)],
    [
      ...condition('o', origin),
      ...by,
      ...condition('n', codename),
      ...condition('a', suite),
      ...condition('c', component),
    ],
  ].filter((form) => form.length > 0);
  const host = URL.parse(uri)?.hostname ?? '';
  const [first, ...rest] = forms.map((form) => `release ${form.join(',')}`);
  return [...(first === undefined ? [] : [first]), `origin "${host}"`, ...rest];
}

function sameSet(a: readonly Named[], b: readonly Named[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
