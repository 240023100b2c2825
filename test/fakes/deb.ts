import { encodeHeader, tarEnd, tarPadding, type Header } from '../../src/roots/tar-header.ts';

/** A member of a tar for tests; `content` of a file. */
export type TestMember = Partial<Header> & { readonly name: string; readonly content?: string };

/** A tar as dpkg-deb would never write it. */
export function testTar(members: readonly TestMember[]): Buffer {
  const pieces = members.flatMap(({ content = '', ...header }) => {
    const bytes = Buffer.from(content);
    const whole: Header = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeMs: 1e12, ...header, size: bytes.length };
    return [encodeHeader(whole), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...pieces, tarEnd]);
}

/** An ar archive. */
export function testAr(members: readonly (readonly [name: string, content: Buffer])[]): Buffer {
  const pieces = members.flatMap(([name, content]) => [
    Buffer.from(
      `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`,
    ),
    content,
    Buffer.alloc(content.length % 2, '\n'),
  ]);
  return Buffer.concat([Buffer.from('!<arch>\n'), ...pieces]);
}

/** A package, not compressed, with these members. */
export function testDeb(members: readonly TestMember[], control: readonly TestMember[] = []): Buffer {
  const fields = 'Package: hostile\nVersion: 1\nArchitecture: all\nMaintainer: t\nDescription: t\n';
  return testAr([
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar', testTar([{ name: './control', content: fields }, ...control])],
    ['data.tar', testTar(members)],
  ]);
}
