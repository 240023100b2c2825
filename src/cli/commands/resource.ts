import type { Group } from '../verb.ts';

export const group: Group = {
  summary: 'Name places with their settings, for -b: this docker daemon, that cluster over ssh.',
  verbs: {
    add: ['name a place with its settings', () => import('./resource/add.ts')],
    ls: ['list places that have names', () => import('./resource/ls.ts')],
    show: ['show one', () => import('./resource/show.ts')],
    delete: ['forget names', () => import('./resource/delete.ts')],
    doctor: ['say which can be used now, and why the others can not', () => import('./resource/doctor.ts')],
    export: ['write them as a file for others', () => import('./resource/export.ts')],
    import: ['take in such a file', () => import('./resource/import.ts')],
  },
  examples: [
    ['repronim resource add lab --backend docker --set host=ssh://lab', 'then: repronim create study -b lab'],
    ['repronim resource doctor', 'which of them can be used now'],
    ['repronim resource export lab -o lab.toml', 'for others: repronim resource import lab.toml'],
  ],
};
