import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

import type { Person } from './person.ts';

/** A command line, and what comes of `reproduce` with it. */
export interface Case {
  /** Whether it is the same for everybody: tried once only. */
  readonly alike?: true;
  /** Files of the folder before it is run. */
  readonly files?: Readonly<Record<string, string>>;
  readonly command: readonly string[] | ((person: Person) => readonly string[] | { readonly skip: string });
  readonly folder?: string;
  readonly stdin?: { readonly pipe: string } | { readonly file: string };
  /** What the replay says. */
  readonly replay: RegExp;
  /** Default: reproduced. */
  readonly end?: RegExp;
  readonly status?: 0 | 3;
  /** Files that are there afterwards, with content where that is known. */
  readonly makes?: Readonly<Record<string, string | undefined>>;
  /** Standard output of the command, which comes to standard error twice. */
  readonly prints?: string;
}

const one = /exit 0, as before · 1 output, 1 equal/;

/** Command lines that a person would try. */
export const cases: Readonly<Record<string, Case>> = {
  'a shell pipeline': {
    files: { 'data.txt': '3 c\n1 a\n2 b\n' },
    command: ['sh', '-c', `awk '{ print $2, $1 }' data.txt | sort -r > out.txt`],
    replay: one,
    makes: { 'out.txt': 'c 3\nb 2\na 1\n' },
  },
  'a Perl script': {
    alike: true,
    files: {
      'sum.pl': `#!/usr/bin/perl
use strict; use warnings; use List::Util qw(sum); use File::Basename;
open my $in, '<', 'data.txt' or die; open my $out, '>', 'sum.txt' or die;
print $out sum(map { (split)[0] } <$in>), "\\n";
`,
      'data.txt': '3 c\n1 a\n',
    },
    command: ['perl', 'sum.pl'],
    replay: one,
    makes: { 'sum.txt': '4\n' },
  },
  'make -j2 with gcc': {
    files: {
      Makefile: 'results: a b\n\t./a > $@\n\t./b >> $@\n%: %.c common.h\n\tgcc -O1 -o $@ $< -lm\n',
      'common.h': '#include <stdio.h>\n#include <math.h>\n',
      'a.c': '#include "common.h"\nint main(void) { puts("a"); return 0; }\n',
      'b.c': '#include "common.h"\nint main(int n, char **v) { printf("%.3f\\n", sqrt(n + 1)); return 0; }\n',
    },
    command: ['make', '-s', '-j2'],
    replay: /3 outputs, 3 equal/,
    makes: { results: 'a\n1.414\n', a: undefined, b: undefined },
  },
  "Debian's Python": {
    alike: true,
    files: { 'p.py': 'import json, sys\njson.dump(sys.prefix, open("p.json", "w"))\n' },
    command: ['/usr/bin/python3', 'p.py'],
    replay: one,
    makes: { 'p.json': '"/usr"' },
  },
  "a pyenv's Python": {
    alike: true,
    files: { 'p.py': 'import json, sys\njson.dump(sys.version_info[:2], open("p.json", "w"))\n' },
    command: ({ env }) => {
      const found = programOf('python3', env['PATH'] ?? '');
      return found !== undefined && found.includes('/.pyenv/')
        ? ['python3', 'p.py']
        : { skip: 'python3 on the PATH is none of a pyenv' };
    },
    replay: one,
    makes: { 'p.json': undefined },
  },
  'a Node script': {
    alike: true,
    files: { 'n.js': 'require("node:fs").writeFileSync("n.txt", process.version);\n' },
    command: ({ env, program }) => {
      const others = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== dirname(process.execPath));
      return [programOf('node', others.join(delimiter)) ?? program[0], 'n.js'];
    },
    replay: one,
    makes: { 'n.txt': undefined },
  },
  'spaces and quotes in arguments': {
    alike: true,
    command: [
      'sh',
      '-c',
      `printf '%s\\n' "$@" > args.txt`,
      'sh',
      'a b',
      `it's`,
      'say "hi"',
      '$(x) `y`',
      'new\nline',
      '',
    ],
    replay: one,
    makes: { 'args.txt': `a b\nit's\nsay "hi"\n$(x) \`y\`\nnew\nline\n\n` },
  },
  'a folder with spaces and umlauts': {
    folder: 'Ärger, groß & klein',
    files: { 'Eingabe ü.txt': 'hallo\n' },
    command: ['sh', '-c', 'tr a-z A-Z < "Eingabe ü.txt" > "aus gabe"'],
    replay: one,
    makes: { 'aus gabe': 'HALLO\n' },
  },
  'standard input from a pipe': {
    command: ['sh', '-c', 'cat > got'],
    stdin: { pipe: 'through a pipe\n' },
    replay: one,
    makes: { got: 'through a pipe\n' },
  },
  'standard input from a file': {
    alike: true,
    files: { 'data.txt': '1\n2\n3\n' },
    command: ['wc', '-l'],
    stdin: { file: 'data.txt' },
    replay: one,
    prints: '3\n',
  },
  'a command that fails': {
    alike: true,
    command: ['sh', '-c', 'echo partial > part; exit 3'],
    replay: /exit 3, as before · 1 output, 1 equal/,
    makes: { part: 'partial\n' },
  },
  'a command that is killed': {
    alike: true,
    command: ['sh', '-c', 'echo partial > part; kill -SEGV $$'],
    replay: /exit 139, as before · 1 output, 1 equal/,
    makes: { part: 'partial\n' },
  },
  'a command that writes nothing': {
    alike: true,
    command: ['true'],
    replay: /exit 0, as before · no output to compare/,
    end: /^not shown: same environment, but the command wrote nothing that could be compared\.$/m,
    status: 3,
  },
  'other results each time': {
    alike: true,
    command: ['sh', '-c', 'date +%s%N; date +%s%N > now'],
    replay: /2 outputs, 0 equal, 2 differ .*\n +now +line 1: "\d+" → "\d+"\n +standard output +line 1: "\d+" → "\d+"/,
    end: /^not reproduced: same environment, 2 results differ\.$/m,
    status: 3,
    makes: { now: undefined },
  },
  'a file that is changed in place': {
    files: { 'data.txt': 'abc\n' },
    command: ['sed', '-i', 's/b/B/', 'data.txt'],
    replay: one,
    makes: { 'data.txt': 'aBc\n' },
  },
  'inputs that are outputs': {
    files: { log: 'first\n', list: 'b\na\n' },
    command: ['sh', '-c', 'wc -l < log >> log; sort -o list list'],
    replay: /2 outputs, 2 equal/,
    makes: { log: 'first\n1\n', list: 'a\nb\n' },
  },
};

function programOf(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}
