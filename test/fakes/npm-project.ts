/** A project with a workspace, a scope, a command and two versions of one package; the lock file is npm 11's own. */
const hidden = `{
  "name": "study",
  "version": "1.0.0",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "node_modules/@sindresorhus/is": {
      "version": "4.0.0",
      "resolved": "https://registry.example.org/npm/@sindresorhus/is/-/is-4.0.0.tgz",
      "integrity": "sha512-FyD2meJpDPjyNQejSjvnhpgI/azsQkA4lGbuu5BQZfjvJ9cbRZXzeWL2HceCekW4lixO9JPesIIQkSoLjeJHNQ==",
      "license": "MIT",
      "engines": {
        "node": ">=10"
      }
    },
    "node_modules/left-pad": {
      "version": "1.3.0",
      "resolved": "https://registry.example.org/npm/left-pad/-/left-pad-1.3.0.tgz",
      "integrity": "sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==",
      "license": "WTFPL"
    },
    "node_modules/semver": {
      "version": "7.8.6",
      "resolved": "https://user:secret@other.example.org/semver-7.8.6.tgz?token=secret",
      "integrity": "sha512-9lpSSU4Mly3mrtruwLs1eLK6+gzbzqeBFwRNjIjE+9LuDpWdYctrQlQ3ej1Ilgi7gknpsTRnPoLP8DpCHqHIJw==",
      "license": "ISC",
      "bin": {
        "semver": "bin/semver.js"
      }
    },
    "node_modules/w": {
      "resolved": "packages/w",
      "link": true
    },
    "packages/w": {
      "version": "1.0.0",
      "dependencies": {
        "left-pad": "1.1.0"
      }
    },
    "packages/w/node_modules/left-pad": {
      "version": "1.1.0",
      "resolved": "https://registry.example.org/npm/left-pad/-/left-pad-1.1.0.tgz",
      "integrity": "sha512-C8cw/7VpfXLj8Yjlmux8lqb3mfIe3vEXTdik/cXTuzZ8FXJnu45UAWp94XlWWmcW7Yxl74wvHw8w10wIHNGHRQ==",
      "license": "WTFPL"
    }
  }
}
`;

export const project = {
  '/home/u/study/index.js': 'require("w")\n',
  '/home/u/study/package.json':
    '{"name":"study","version":"1.0.0","workspaces":["packages/*"],"dependencies":{"left-pad":"1.3.0"}}',
  '/home/u/study/node_modules/.package-lock.json': hidden,
  '/home/u/study/node_modules/.bin/semver': '-> ../semver/bin/semver.js',
  '/home/u/study/node_modules/.cache/tool/state': 'not to be kept\n',
  '/home/u/study/node_modules/@sindresorhus/is/package.json': '{"name":"@sindresorhus/is","version":"4.0.0"}',
  '/home/u/study/node_modules/@sindresorhus/is/index.js': 'is\n',
  '/home/u/study/node_modules/left-pad/package.json': '{"name":"left-pad","version":"1.3.0"}',
  '/home/u/study/node_modules/left-pad/index.js': 'pad\n',
  '/home/u/study/node_modules/semver/package.json':
    '{"name":"semver","version":"7.8.6","bin":{"semver":"bin/semver.js"}}',
  '/home/u/study/node_modules/semver/bin/semver.js': '#!/usr/bin/env node\n',
  '/home/u/study/node_modules/semver/test/node_modules/fixture.js': 'of semver\n',
  '/home/u/study/node_modules/w': '-> ../packages/w',
  '/home/u/study/packages/w/package.json': '{"name":"w","version":"1.0.0","dependencies":{"left-pad":"1.1.0"}}',
  '/home/u/study/packages/w/index.js': 'module.exports = require("left-pad")\n',
  '/home/u/study/packages/w/node_modules/left-pad/package.json': '{"name":"left-pad","version":"1.1.0"}',
  '/home/u/study/packages/w/node_modules/left-pad/index.js': 'old pad\n',
  '/usr/local/bin/tool': '-> ../lib/node_modules/@lab/tool/cli.js',
  // nobody else could have what takes a token: it is not asked for
  '/usr/local/.npmrc': '@lab:registry=https://npm.example.org/\n//npm.example.org/:_authToken=secret\n',
  '/usr/local/bin/other': '#!/bin/sh\n',
  '/usr/local/lib/other.so': '',
  '/usr/local/lib/node_modules/@lab/tool/package.json':
    '{"name":"@lab/tool","version":"1.6.0","bin":{"tool":"cli.js"}}',
  '/usr/local/lib/node_modules/@lab/tool/cli.js': '#!/usr/bin/env node\n',
} as const;
