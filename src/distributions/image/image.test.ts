import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import type { Ran } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { inspectImage, toInspected } from './inspect.ts';
import { image } from './index.ts';
import { parseLabels, parseSif } from '../../formats/image/sif.ts';
import { parseUse } from './uses.ts';

/** What `apptainer build` 1.4.5 wrote, up to its partition: header, descriptors, definition, metadata. */
const sif = brotliDecompressSync(
  Buffer.from(
    [
      'G5KGAC4O7MYfCxbgzMFaeyWdeOUkiG/Xb19OAoqbeZIH1CQaBJRIIIHeHPkBnxzd4ZxFz6jspijJAPOKyPXfja5t2o7Shp7IyjfyO+nZTWqdDj',
      'dCW58x/+My/YpVu1kg3Pev1G7X7ehfaVa7lWDAM57xThqmzIoHMBBLnJ0bSSow0YfeviXVRXBWxBstlH6kNmjmNjoPe7Qb/1IjkYsV1/FbifSI',
      '9Mm5+aPJP/ls/P/e3Y4AWyETUCMqgvpW0X/PAUDfr2HrVXUoKAhj/4P07UIYtT3Yl5yHNq9Meg1RvuGLUf+DyXGPnlvZQXlM0SP7lFRayazS0E',
      'i5HfVpQ980+uWulUyvq/wRgAFIn+wBOqDJeYuVxLwi768Q9MlXUVFWXuwxFlhVHjdaWeHuV6y2wOMTixyyH8THOfzH4DGZFPzn36M8FSKXYtZl',
      'khHuikUcGvXfjL9xxVw3+iOxN2me49CFXJbW0YhQuY7ryAQrwAGUfeiyGqWibgSLD91d0LAX7u5OuXzqorT4D4S6dxOc6lAIYQMSr9EDTsN5nA',
      'SYcjPVlgm048opReMSFdxnIkbnIE1ynRsdnGk2Bpzui17wMZLXOukvA+LK5bC70BBEMmaKyp2Jw4Kc/X1xwJI9BqfoSXQm4eQ8wEYyCgxMdduQ',
      'b3wRYhgBpgD8VF28L2NxmDnFHxU1fEgxUYhOGDkaQg2B4jdLS5GDp6ivbwtfYWYATeBIITaHgQC8MANWkQmzOP7RAX4BUr58aXN+joMFnYhwCH',
      'QM7Q8CCXhIx0PoSAopemV06qe06g9XTJ22FfhDZtXry/1nDrurh/vTjAxHnSxMMk9K6PGuLPlrZG6PYzzRgUM+mrUbkk9lniGZTVfMgq0GmA8M',
      'XRz1skJLTtqgHY2UiAwV14IwF2Z7IIXjLC8g+jL69gCTM11BDddawaYyOQe4FrO6OGnYM5HcTAhnnU/KcAQd0ML9IOEmaOG5nkDTiUJCWlbPFv',
      'j46IB/qZSLM3XbPgA=',
    ].join(''),
    'base64',
  ),
);
const run = (...argv: readonly string[]): Ran => ({
  env: {},
  directory: '/work',
  programs: [{ file: `/usr/bin/${argv[0] ?? ''}`, argv }],
});

testDistribution({
  distribution: image,
  async place(t) {
    const { folder } = contexts(t);
    const root = join(folder, 'root');
    mkdirSync(join(root, 'work'), { recursive: true });
    mkdirSync(join(folder, 'empty/work'), { recursive: true });
    writeFileSync(join(root, 'work/tool.sif'), sif);
    writeFileSync(join(root, 'work/other.sif'), sif);
    return {
      root: localRoot(root),
      mine: ['/work/tool.sif'],
      others: ['/work/other.sif', '/work/tool', '/work'],
      empty: localRoot(join(folder, 'empty')),
      ran: run('apptainer', 'exec', '-B', '/data', './tool.sif', 'scale'),
    };
  },
});

test('the image of a command line is found behind its options', () => {
  const cases: readonly (readonly [command: string, reference: string | undefined])[] = [
    ['docker run debian:bookworm cat /etc/debian_version', 'debian:bookworm'],
    ['docker run --rm -it -v /a:/b -w /x --name=n -e A=1 --network none bids/app:1.2 run /data', 'bids/app:1.2'],
    ['docker run -itv /a:/b alpine', 'alpine'],
    ['docker run -eA=1 -p8080:80 alpine sh -c x', 'alpine'],
    ['docker -H unix:///x.sock --log-level debug container run --gpus all -u 0:0 img', 'img'],
    ['docker exec -it box ls', 'box'],
    ['docker ps -a', undefined],
    ['docker run --help', undefined],
    ['podman --root /r run --replace --userns keep-id quay.io/x/y@sha256:12 true', 'quay.io/x/y@sha256:12'],
    ['nerdctl run -d --rm img', 'img'],
    ['apptainer -q exec --nv --cleanenv -B /a:/b --env A=1 /sw/x.sif run', '/sw/x.sif'],
    ['apptainer run --containall docker://debian:12', 'docker://debian:12'],
    ['singularity shell -s /bin/bash box', 'box'],
    ['apptainer instance start -C x.sif one', 'x.sif'],
    ['apptainer exec instance://one ls', undefined],
    ['apptainer build x.sif y.def', undefined],
    ['ch-run -w -b /a:/b /var/tmp/img -- echo', '/var/tmp/img'],
    ['udocker run --volume=/a -i fedora:29 sh', 'fedora:29'],
    ['ls run docker', undefined],
  ];
  for (const [command, reference] of cases) {
    const argv = command.split(' ');
    assert.equal(parseUse(`/usr/bin/${argv[0] ?? ''}`, argv)?.reference, reference, command);
  }
  const use = parseUse('/usr/bin/docker', ['docker', '-H', 'unix:///x', 'exec', 'box', 'ls']);
  assert.deepEqual(use?.globals, ['-H', 'unix:///x']);
  assert.equal(use?.of, 'container');
});

test('a SIF says what it is, and garbage does not', () => {
  const at = (bytes: Buffer) => (offset: number, length: number) => bytes.subarray(offset, offset + length);
  const read = parseSif(at(sif));
  assert.equal(read?.architecture, 'amd64');
  assert.match(read?.definition ?? '', /^bootstrap: localimage\nfrom: /);
  assert.equal(read?.labels['org.label-schema.usage.apptainer.version'], '1.4.5');
  assert.equal(parseSif(at(Buffer.from('no'))), undefined);
  for (let position = 0; position < 128; position += 1) {
    const broken = Buffer.from(sif);
    broken.fill(0xff, position, position + 8);
    parseSif(at(broken));
  }
  assert.deepEqual(parseLabels('{"maintainer":"x","n":1}'), { maintainer: 'x' });
  assert.deepEqual(parseLabels('['), {});
});

test('what a run had is kept up to the limit, by digest and definition', async (t) => {
  const { folder, tracing } = contexts(t, { limit: sif.length - 1 });
  const root = join(folder, 'root');
  mkdirSync(join(root, 'work'), { recursive: true });
  writeFileSync(join(root, 'work/tool.sif'), sif);
  const ran = run('singularity', 'run', 'tool.sif');
  const describe = async (settings: Readonly<Record<string, unknown>>) => {
    const context = { ...tracing, ran, settings: () => settings };
    const owned = await image.claim(['/work/tool.sif'], localRoot(root), context);
    return await image.describe(owned, localRoot(root), context);
  };
  const large = await describe({ limit: sif.length - 1 });
  assert.equal(large.distributions[0]?.lock.content, undefined);
  assert.match(large.notes[0]?.text ?? '', /^singularity ran the image tool\.sif .* it is not kept: /);
  const kept = await describe({});
  const { spec, lock } = kept.distributions[0] ?? assert.fail();
  assert.equal(spec.digest, `sha256:${lock.content?.sha256 ?? ''}`);
  assert.ok(await tracing.store.find(lock.definition?.sha256 ?? ''));
  assert.match(kept.notes[0]?.text ?? '', /it is kept with the trace/);
});

test('the engine that was used is asked, by its own options, and may be silent', async (t) => {
  const { folder, tracing } = contexts(t);
  const program = join(folder, 'docker');
  // the form of Docker 20.10; `$*` shows what was asked
  const answer = {
    Id: `sha256:${'a'.repeat(64)}`,
    RepoTags: ['debian:bookworm'],
    RepoDigests: [`debian@sha256:${'b'.repeat(64)}`],
    Architecture: 'amd64',
    Os: 'linux',
    Size: 116_000_000,
    Config: { Labels: { 'org.opencontainers.image.version': '12', token: 'ghp_abcdefghijklmnopqrstuvwxyz0123456789' } },
  };
  writeFileSync(
    program,
    `#!/bin/sh\necho "$*" >>${folder}/asked\ncase "$*" in *broken*) exit 1;; esac\ncat ${folder}/answer\n`,
  );
  chmodSync(program, 0o755);
  writeFileSync(join(folder, 'answer'), JSON.stringify([answer]));
  const ran: Ran = {
    env: { PATH: '/usr/bin:/bin' },
    directory: '/work',
    programs: [
      { file: program, argv: ['docker', '-H', 'unix:///x', 'run', 'debian:bookworm'] },
      { file: program, argv: ['docker', 'run', 'broken'] },
    ],
  };
  assert.equal(image.notices?.(ran), true);
  assert.equal(image.notices?.(run('ls')), false);
  const context = { ...tracing, ran };
  const { distributions, notes } = await image.describe(new Map(), localRoot('/'), context);
  assert.deepEqual(
    distributions.map(({ spec }) => spec),
    [
      { type: 'image', engine: 'docker', reference: 'broken' },
      {
        type: 'image',
        engine: 'docker',
        reference: 'debian:bookworm',
        digest: `sha256:${'b'.repeat(64)}`,
        version: '12',
      },
    ],
  );
  assert.deepEqual(distributions[1]?.lock, {
    image: `sha256:${'a'.repeat(64)}`,
    digests: [`debian@sha256:${'b'.repeat(64)}`],
    architecture: 'amd64',
    size: 116_000_000,
    labels: { 'org.opencontainers.image.version': '12' },
  });
  assert.match(notes[1]?.text ?? '', /can be had: debian@sha256:b{64}$/);
  assert.match(notes[0]?.text ?? '', /only its name is known/);
  assert.equal(await inspectImage({ ...parseUse('/nowhere', ['docker', 'run', 'x'])! }, {}, context), undefined);
});

test('podman’s form, and answers that are none', () => {
  const podman = {
    Id: 'c'.repeat(64),
    Digest: `sha256:${'d'.repeat(64)}`,
    RepoDigests: ['x'],
    Labels: null,
    Size: 1.5,
  };
  assert.deepEqual(toInspected(podman), { id: `sha256:${'c'.repeat(64)}`, digests: [], labels: {} });
  for (const value of [undefined, null, 3, 'x']) assert.equal(toInspected(value), undefined);
});
