import { UserError } from '../../model/index.ts';
import { imageFormats } from '../../flows/image/export.ts';
import { near } from '../../formats/near.ts';
import type { Invocation, Verb } from '../verb.ts';

type Action = (invocation: Invocation) => Promise<number>;

/** What can be done with images: each a file of its own. */
const actions: Readonly<Record<string, () => Promise<{ readonly run: Action }>>> = {
  build: () => import('./image/build.ts'),
  ls: () => import('./image/ls.ts'),
  show: () => import('./image/show.ts'),
  export: () => import('./image/export.ts'),
  import: () => import('./image/import.ts'),
  commit: () => import('./image/commit.ts'),
  shrink: () => import('./image/shrink.ts'),
  tag: () => import('./image/tag.ts'),
  delete: () => import('./image/delete.ts'),
};

export const verb: Verb = {
  summary: 'Build, list, pass on and take in images: the trees that environments are made from.',
  usage: [
    'image build [SPEC|BUNDLE] [-t TAG]',
    'image ls',
    'image show IMAGE',
    'image export IMAGE -o FILE [--format FORMAT]',
    'image import FILE|PLACE -t TAG [--spec SPEC]',
    'image commit NAME [-o FILE] [-t TAG] [--opaque]',
    'image shrink SPEC|IMAGE [-o FILE] [-t TAG] [--files] [--run ID] [-- COMMAND …]',
    'image tag IMAGE TAG',
    'image delete IMAGE…',
  ],
  operands: [1, 32],
  command: 'allowed',
  options: [
    { flags: '-t, --tag <tag...>', says: 'a name for it', matters: true },
    { flags: '-o, --output <file>', says: 'where to write it', matters: true },
    {
      flags: '--format <format>',
      says: 'as what',
      choices: [...imageFormats],
      otherwise: 'by the name of the file',
      matters: true,
    },
    {
      flags: '--spec <file>',
      says: 'the spec of what is imported',
      otherwise: 'that which came with it',
      matters: true,
    },
    { flags: '-n, --dry-run', says: 'say what would be done', matters: true },
    { flags: '--opaque', says: 'commit: the tree as it is, without a spec' },
    { flags: '--include <path...>', says: 'commit: keep this private file all the same' },
    { flags: '--files', says: 'shrink: drop unused files, too, not only whole packages' },
    { flags: '--run <id...>', says: 'shrink: for these runs of the spec', otherwise: 'all of them' },
    { flags: '--network', says: 'shrink: let the commands reach the network' },
    { flags: '--all', says: 'every difference' },
    { flags: '-f, --force', says: 'replace another file' },
    { flags: '--trust', says: 'build it also where nothing can be confined' },
    { flags: '-y, --yes', says: 'do not ask' },
  ],
  examples: [
    ['repronim image build study.yaml -t study:1', ''],
    ['repronim image export study:1 -o study.oci.tar', 'for podman, skopeo, docker ≥ 25'],
    ['repronim image commit study -t study:2', 'what was done by hand in an environment becomes its spec'],
    ['repronim image shrink study:1 -t study:small', 'only the packages that its runs use'],
    ['repronim image import study.oci.tar -t study:1', 'on another machine; its spec comes along'],
  ],
  async run(invocation) {
    const [word = '', ...operands] = invocation.operands;
    const load = Object.hasOwn(actions, word) ? actions[word] : undefined;
    if (load === undefined) {
      const close = near(word, Object.keys(actions));
      throw new UserError(`image cannot ${JSON.stringify(word)}`, {
        status: 2,
        hint: `${close === undefined ? '' : `did you mean ${close}? `}known: ${Object.keys(actions).join(', ')}`,
      });
    }
    return await (await load()).run({ ...invocation, operands });
  },
};
