import assert from 'node:assert/strict';
import { test } from 'node:test';

import { serve } from '../../test/fakes/serve.ts';
import { contexts } from '../../test/fakes/contexts.ts';
import { getBytes } from './get-bytes.ts';
import { parseNetrc, rememberLogin, withLogin } from './logins.ts';

test('a login of one’s own goes to the place that it is for, and to no other', async (t) => {
  const { folder } = contexts(t);
  const seen: (string | undefined)[] = [];
  await using other = await serve(folder, ({ headers }, response) => {
    seen.push(headers.authorization);
    response.end('other');
    return true;
  });
  await using served = await serve(folder, ({ headers, url }, response) => {
    seen.push(headers.authorization);
    if (url === '/away') response.writeHead(302, { location: `${other.url}/x` }).end();
    else response.end('here');
    return true;
  });
  rememberLogin(served.url.replace('//', '//me:pass%20word@'));
  const signal = AbortSignal.timeout(10_000);
  assert.equal((await getBytes(`${served.url}/x`, 100, signal)).toString(), 'here');
  assert.equal((await getBytes(`${served.url}/away`, 100, signal)).toString(), 'other');
  const basic = `Basic ${Buffer.from('me:pass word').toString('base64')}`;
  assert.deepEqual(seen, [basic, basic, undefined]);
  assert.equal(withLogin(`${served.url}/simple`), `${served.url.replace('//', '//me:pass%20word@')}/simple`);
  assert.equal(withLogin(other.url), other.url);
});

test('netrc', () => {
  const text = `# mine
machine a.example.org login me password s3
machine b.example.org
  login "you"
  password "with blank"
macdef init
  login no
  password no

default login any password any`;
  assert.deepEqual(
    [...parseNetrc(text)],
    [
      ['a.example.org', { user: 'me', password: 's3' }],
      ['b.example.org', { user: 'you', password: 'with blank' }],
    ],
  );
});
