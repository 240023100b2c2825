import type { Group } from '../verb.ts';

export const group: Group = {
  summary: 'Build, list, pass on and take in images: the trees that environments are made from.',
  verbs: {
    build: ['build the image of a spec', () => import('./image/build.ts')],
    ls: ['list images', () => import('./image/ls.ts')],
    show: ['show one image', () => import('./image/show.ts')],
    export: ['write an image as a file', () => import('./image/export.ts')],
    import: ['take in a file or a place as an image', () => import('./image/import.ts')],
    commit: ['make what was done by hand in an environment its spec', () => import('./image/commit.ts')],
    shrink: ['make an image of only what commands use', () => import('./image/shrink.ts')],
    tag: ['give an image a name', () => import('./image/tag.ts')],
    delete: ['remove images', () => import('./image/delete.ts')],
  },
  examples: [
    ['repronim image build study.yaml -t study:1', 'the tree that environments of the spec are made from'],
    ['repronim image export study:1 -o study.oci.tar', 'for podman, skopeo, docker ≥ 25'],
    ['repronim image import study.oci.tar -t study:1', 'on another machine; its spec comes along'],
    ['repronim image export study -o study.repronim', 'what it is made from, as a bundle'],
  ],
};
