import { writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { crc32 } from 'node:zlib';

import { normalizeName, parseMetadata } from './metadata.ts';
import type { PythonPackage } from './spec.ts';
import type { KeptText } from './traced-tree.ts';

/**
 * What no index has, as pip can weigh it: wheels of nothing but the metadata that was kept. They decide with all others
 * what goes together, and are never installed.
 */
export async function writeStandIns(
  packages: readonly PythonPackage[],
  texts: ReadonlyMap<string, KeptText>,
  folder: string,
): Promise<void> {
  for (const { name, version } of packages) {
    const found = [...texts].find(([path, { content }]) => {
      const metadata = /\/(?:METADATA|PKG-INFO)$/.test(path) ? parseMetadata(content) : undefined;
      return metadata !== undefined && normalizeName(metadata.name) === normalizeName(name);
    });
    const metadata = found?.[1].content ?? Buffer.from(`Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`);
    const stem = `${normalizeName(name).replaceAll('-', '_')}-${version}`;
    const info = `${stem}.dist-info`;
    const bytes = zipOf({
      [posix.join(info, 'METADATA')]: metadata,
      [posix.join(info, 'WHEEL')]: Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
      [posix.join(info, 'RECORD')]: Buffer.alloc(0),
    });
    await writeFile(join(folder, `${stem}-py3-none-any.whl`), bytes);
  }
}

/** A zip archive whose files are stored as they are (APPNOTE.TXT, 4.3). */
function zipOf(files: Readonly<Record<string, Buffer>>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of Object.entries(files)) {
    const name = Buffer.from(path);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    bodies.push(Buffer.from('PK\x03\x04', 'latin1'), common, name, content);
    directory.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, rest, name);
    offset += 30 + name.length + content.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(bodies.length / 4, 8);
  end.writeUInt16LE(bodies.length / 4, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, entries, end]);
}
