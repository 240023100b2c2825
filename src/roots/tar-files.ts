import { readMembers } from './tar-members.ts';

/**
 * The regular files of a tar that is not compressed, each whole in memory, named as they stand in the archive. Those of
 * more than `largest` bytes are passed over.
 */
export async function* readTarFiles(
  stream: AsyncIterable<Uint8Array>,
  largest = 1024 ** 3,
): AsyncGenerator<{ readonly path: string; readonly content: Buffer; readonly mode: number }> {
  for await (const member of readMembers(stream)) {
    if (member.type !== 'file' || member.size > largest) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of member.content()) chunks.push(chunk);
    yield { path: member.name, content: Buffer.concat(chunks), mode: member.mode };
  }
}
