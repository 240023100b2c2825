import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findElsewhere } from './elsewhere.ts';

test('what is mounted and is no disk of this machine is named, the outermost only', () => {
  const mounts = `23 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
24 23 0:22 / /proc/sys/fs/binfmt_misc rw - binfmt_misc binfmt_misc rw
28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 28 8:2 / /home rw,relatime - xfs /dev/sda2 rw
31 30 0:40 / /home/u/data\\040on\\040nas rw - nfs4 nas:/data rw
32 28 8:1 /srv/www /var/www rw - ext4 /dev/sda1 rw
33 28 8:1 /var/lib/docker /var/lib/docker rw - ext4 /dev/sda1 rw
34 33 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=/a
35 28 0:41 /@var /var/log rw - btrfs /dev/sdb rw
36 28 0:60 / /tmp rw - tmpfs tmpfs rw
37 28 0:61 / /run rw - tmpfs tmpfs rw
38 37 0:62 / /run/user/0 rw - tmpfs tmpfs rw
`;
  assert.deepEqual(
    findElsewhere(mounts).map(({ path, type }) => `${path} ${type}`),
    [
      '/home/u/data on nas nfs4',
      '/proc proc',
      '/run tmpfs',
      '/tmp tmpfs',
      '/var/lib/docker/overlay2/x/merged overlay',
      '/var/www ext4',
    ],
  );
  assert.deepEqual(findElsewhere(''), []);
});
