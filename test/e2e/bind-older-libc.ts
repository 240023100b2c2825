/**
 * A program (ELF, 64 bits, little-endian) that was linked with glibc 2.38 or later only because its headers call
 * `strtol` and its like by names of C23, bound to the older functions: those differ in reading "0b1" alone. Changed
 * are the names of these symbols (their ends) and of the version that is asked for. See elf(5) and the LSB on versions.
 */
export function bindToOlderLibc(program: Buffer): Buffer {
  const bytes = Buffer.from(program);
  const sections = sectionsOf(bytes);
  const prefix = '__isoc23_';
  for (const { kind, offset, size, link } of sections) {
    const names = sections[link]?.offset ?? 0;
    const nameAt = (at: number): string => bytes.toString('latin1', names + at, bytes.indexOf(0, names + at));
    if (kind === 11) {
      for (let at = offset; at < offset + size; at += 24) {
        const name = bytes.readUInt32LE(at);
        if (nameAt(name).startsWith(prefix)) bytes.writeUInt32LE(name + prefix.length, at);
      }
    }
    if (kind !== 0x6ffffffe) continue;
    const needed = [...neededVersions(bytes, offset)];
    const old = needed.find((at) => nameAt(bytes.readUInt32LE(at + 8)) === 'GLIBC_2.2.5');
    if (old === undefined) continue;
    for (const at of needed.filter((one) => nameAt(bytes.readUInt32LE(one + 8)) === 'GLIBC_2.38')) {
      bytes.copy(bytes, at, old, old + 4); // its hash
      bytes.copy(bytes, at + 8, old + 8, old + 12); // its name
    }
  }
  return bytes;
}

function sectionsOf(bytes: Buffer) {
  const table = Number(bytes.readBigUInt64LE(40));
  const size = bytes.readUInt16LE(58);
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, index) => {
    const at = table + index * size;
    return {
      kind: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
    };
  });
}

/** Where the versions stand that are asked of each library (Vernaux). */
function* neededVersions(bytes: Buffer, offset: number): Iterable<number> {
  for (let library = offset, more = -1; more !== 0; library += more) {
    more = bytes.readUInt32LE(library + 12);
    for (let version = library + bytes.readUInt32LE(library + 8), next = -1; next !== 0; version += next) {
      next = bytes.readUInt32LE(version + 12);
      yield version;
    }
  }
}
