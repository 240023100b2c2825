/** The page of one plug-in, in Markdown. */
interface Readme {
  readonly type: string;
  readonly text: string;
}

const head = `# Distributions

What each of them recognises, what it writes down, how it comes back, and where it ends.
This page is made of the plug-ins' own (\`src/distributions/NAME/readme.md\`) by \`npm run docs\`: edit those.
`;

/** One page of all of them: a list, then a section each, its headings one level deeper. */
export function distributionsPage(readmes: readonly Readme[]): string {
  const anchors = new Map(readmes.map(({ type, text }) => [type, anchorOf(titleOf(type, text))]));
  const sections = readmes.map(({ type, text }) => section(type, text, anchors));
  const list = readmes.map(
    ({ type, text }) => `- [\`${type}\`](#${anchorOf(titleOf(type, text))}): ${firstSentence(text)}`,
  );
  return `${head}\n${list.join('\n')}\n\n${sections.join('\n')}`;
}

function section(type: string, text: string, anchors: ReadonlyMap<string, string>): string {
  const { title, rest } = split(text);
  const heading = `## ${title ?? type}`;
  const here = rest.replaceAll(/\]\(\.\.\/([a-z]+)\/readme\.md\)/g, (link, other: string) => {
    const anchor = anchors.get(other);
    return anchor === undefined ? link : `](#${anchor})`;
  });
  return `${heading}\n\n${deeper(here).trim()}\n`;
}

function titleOf(type: string, text: string): string {
  return split(text).title ?? type;
}

function split(text: string): { readonly title: string | undefined; readonly rest: string } {
  const [, title, rest = text] = /^\s*# (.*)\n([^]*)$/.exec(text) ?? [];
  return { title, rest };
}

/** Headings one level deeper; what looks like one in a block of code is none. */
function deeper(text: string): string {
  let isCode = false;
  return text
    .split('\n')
    .map((line) => {
      if (/^ {0,3}(?:```|~~~)/.test(line)) isCode = !isCode;
      return !isCode && /^#{1,5} /.test(line) ? `#${line}` : line;
    })
    .join('\n');
}

/** The first sentence of the first paragraph that is text. */
function firstSentence(text: string): string {
  const paragraphs = split(text)
    .rest.split(/\n\s*\n/)
    .map((one) => one.trim().replaceAll(/\s+/g, ' '));
  const first = paragraphs.find((one) => one !== '' && !/^[#`<|-]/.test(one) && !one.startsWith('```')) ?? '';
  return /^.*?[.:](?= |$)/.exec(first)?.[0]?.replace(/:$/, '.') ?? first;
}

/** As hosts of Markdown make them of headings. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
