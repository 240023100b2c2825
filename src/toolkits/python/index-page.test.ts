import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseIndexPage } from './index-page.ts';

const sha256 = '6da83a088f8ef93b2d483a8232a4dbf4d69d3d8496b568a03c56becac43e1808';
const page = 'https://index.example.org/simple/small/';

test('a page in JSON (PEP 691), and in HTML (PEP 503)', () => {
  const json = {
    meta: { 'api-version': '1.1' },
    name: 'small',
    files: [
      {
        filename: 'small-1.0-py3-none-any.whl',
        url: '../../files/small-1.0-py3-none-any.whl',
        hashes: { sha256 },
        size: 100,
      },
      { filename: 'small-1.0.tar.gz', url: 'https://u:p@files.example.org/small-1.0.tar.gz', hashes: {} },
      { filename: 'evil.whl', url: 'file:///etc/passwd', hashes: { sha256 } },
      { filename: '../x', url: 'x', hashes: {} },
      null,
      { filename: 1 },
    ],
  };
  const wheel = {
    file: 'small-1.0-py3-none-any.whl',
    url: 'https://index.example.org/files/small-1.0-py3-none-any.whl',
    sha256,
  };
  const source = { file: 'small-1.0.tar.gz', url: 'https://files.example.org/small-1.0.tar.gz' };
  assert.deepEqual(parseIndexPage(Buffer.from(JSON.stringify(json)), page), [{ ...wheel, size: 100 }, source]);
  const html = `<!DOCTYPE html><html><body>
<a href="../../files/small-1.0-py3-none-any.whl#sha256=${sha256}" data-requires-python="&gt;=3">small-1.0-py3-none-any.whl</a><br/>
<a href='https://files.example.org/small-1.0.tar.gz'>small-1.0.tar.gz</a>
<a name="x">nothing</a>`;
  assert.deepEqual(parseIndexPage(Buffer.from(html), page), [wheel, source]);
  assert.deepEqual(parseIndexPage(Buffer.from('{"files": 1}'), page), []);
  assert.deepEqual(parseIndexPage(Buffer.from('{'), page), []);
});
