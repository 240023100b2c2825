import type { Group, OptionOf, Verb } from './verb.ts';

/** The help of one verb: a sentence, usage, the options that matter (all of them with `all`), examples. */
export function helpOf(name: string, verb: Verb, everywhere: readonly OptionOf[], all: boolean): string {
  const shown = all ? [...verb.options, ...everywhere] : verb.options.filter(({ matters }) => matters === true);
  const hidden = verb.options.length + everywhere.length - shown.length;
  const width = Math.max(0, ...shown.map(({ flags }) => label(flags).length));
  return [
    verb.summary,
    '',
    ...verb.usage.map((line, index) => `${index === 0 ? 'usage: ' : '       '}repronim ${line}`),
    ...(shown.length === 0 ? [] : ['', 'options:']),
    ...shown.map(({ flags, says, otherwise, choices }) => {
      const few = choices === undefined ? '' : `: ${choices.join(', ')}`;
      return `  ${label(flags).padEnd(width)}  ${says}${few}${otherwise === undefined ? '' : ` (default: ${otherwise})`}`;
    }),
    ...(all || hidden <= 0 ? [] : [`  … and ${hidden} more: repronim ${name} --help --all`]),
    '',
    ...exampleLines(verb.examples),
    '',
  ].join('\n');
}

/** The help of verbs that have a noun in common: a sentence, each verb, examples. */
export function helpOfGroup(name: string, { summary, verbs, examples }: Group): string {
  return [
    summary,
    '',
    `usage: repronim ${name} VERB …       repronim ${name} VERB --help explains one`,
    '',
    ...wordLines(Object.entries(verbs).map(([word, [does]]) => [word, does])),
    '',
    ...exampleLines(examples),
    '',
  ].join('\n');
}

/** Words with what they do, in columns. */
export function wordLines(words: readonly (readonly [word: string, does: string])[]): string[] {
  const width = Math.max(...words.map(([word]) => word.length));
  return words.map(([word, does]) => `  ${word.padEnd(width)}  ${does}`);
}

function exampleLines(examples: Verb['examples']): string[] {
  return [
    'examples:',
    ...examples.flatMap(([command, does]) => [`  ${command}`, ...(does === '' ? [] : [`      ${does}`])]),
  ];
}

function label(flags: string): string {
  return flags.replace(/\.\.\.(?=[>\]])/, '').replace(/[<[]([^>\]]+)[>\]]/, (_, name: string) => name.toUpperCase());
}
