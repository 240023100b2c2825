import assert from 'node:assert/strict';
import { test } from 'node:test';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { libraryPlace } from '../../../test/fakes/library-place.ts';
import { cpan } from './index.ts';
import { parseInstall, parsePacklist, parsePerllocal, parseVersion } from './installed.ts';

/** As MakeMaker 7.64 wrote it. */
const perllocal = `=head2 Tue Nov 24 12:28:17 2026: C<Module> L<Lab::Pad|Lab::Pad>

=over 4

=item *

C<installed into: /home/u/perl5/lib/perl5>

=item *

C<LINKTYPE: dynamic>

=item *

C<VERSION: 0.31>

=item *

C<EXE_FILES: >

=back

`;
const top = '/home/u/perl5';
const arch = `${top}/lib/perl5/x86_64-linux-gnu-thread-multi`;
const mine = {
  [`${arch}/auto/Lab/Pad/.packlist`]: `${top}/lib/perl5/Lab/Pad.pm\n${top}/bin/pad type=file\n/etc/passwd\n`,
  [`${top}/lib/perl5/Lab/Pad.pm`]: "package Lab::Pad;\nour $VERSION = '0.30';\n1;\n",
  [`${top}/bin/pad`]: '#!/usr/bin/perl\n',
};
const others = {
  [`${arch}/perllocal.pod`]: perllocal,
  [`${top}/lib/perl5/Own.pm`]: '1;\n',
  [`${top}/bin/own`]: '#!/usr/bin/perl\n',
  '/etc/passwd': 'root\n',
};

testDistribution({ distribution: cpan, place: async (t) => libraryPlace(t, mine, others) });

test('a distribution by its packlist, its version by perllocal, or by cpanm', async (t) => {
  const meta = {
    [`${arch}/.meta/Lab-Pad-0.32/install.json`]:
      '{"dist":"Lab-Pad-0.32","name":"Lab::Pad","pathname":"L/LA/LAB/Lab-Pad-0.32.tar.gz","version":"0.32"}',
  };
  const context = contexts(t).tracing;
  const rows = await Promise.all(
    [others, { ...others, ...meta }].map(async (near) => {
      const { root } = libraryPlace(t, mine, near);
      const owned = await cpan.claim([`${top}/bin/pad`], root, context);
      return (await cpan.describe(owned, root, context)).distributions[0];
    }),
  );
  const key = 'lib/perl5/x86_64-linux-gnu-thread-multi/auto/Lab/Pad/.packlist';
  const row = { path: key, name: 'Lab::Pad', repacked: true };
  assert.deepEqual(
    rows.map((one) => one?.lock.packages),
    [[{ ...row, version: '0.31' }], [{ ...row, version: '0.32', archive: 'L/LA/LAB/Lab-Pad-0.32.tar.gz' }]],
  );
  assert.deepEqual(
    rows.map((one) => one?.lock.files),
    [3, 4],
  );
});

test('what a stranger wrote there is read as far as it is what it should be', () => {
  assert.deepEqual(parsePacklist('/a/b.pm\n../x\n/a/../etc/passwd\n/c/d from=/x type=link\n\n'), ['/a/b.pm', '/c/d']);
  assert.equal(parsePerllocal(perllocal).get('Lab::Pad'), '0.31');
  assert.equal(parseInstall('null'), undefined);
  assert.equal(parseInstall('{"name":1}'), undefined);
  const sources = ["our $VERSION = '1.02';", '$Lab::Pad::VERSION = qv("v1.2.3");', 'package Lab::Pad 0.5;', 'nothing'];
  assert.deepEqual(sources.map(parseVersion), ['1.02', 'v1.2.3', '0.5', undefined]);
});
