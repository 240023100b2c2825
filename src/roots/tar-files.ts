import { readMembers } from './tar-members.ts';

/** Larger files than this are not held in memory, and are an error. */
const largest = 1024 ** 3;

/** The regular files of a tar that is not compressed, each whole in memory, named as they stand in the archive. */
export async function* readTarFiles(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly path: string; readonly content: Buffer; readonly mode: number }> {
  for await (const member of readMembers(stream)) {
    if (member.type !== 'file') continue;
    if (member.size > largest) throw new Error(`${member.name}: larger than ${largest} bytes`);
    const chunks: Buffer[] = [];
    for await (const chunk of member.content()) chunks.push(chunk);
    yield { path: member.name, content: Buffer.concat(chunks), mode: member.mode };
  }
}
