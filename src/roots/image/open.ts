import { UserError } from '../../model/index.ts';
import { tarRoot, type TarRoot } from '../tar.ts';
import { archiveFiles, folderFiles } from './files.ts';
import { imageRoot } from './root.ts';

interface OpenOptions {
  /** Which image, where there are several. */
  readonly wanted?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A tar as a root: that of a root filesystem, or an image in an archive (of `docker save`, or OCI). */
export async function archiveRoot(
  source: string | AsyncIterable<Uint8Array>,
  label: string,
  options: OpenOptions = {},
): Promise<TarRoot> {
  const archive = await tarRoot(source, label, { signal: options.signal });
  try {
    const image = await imageRoot(archiveFiles(archive), label, options);
    if (image === undefined && options.wanted !== undefined) {
      throw new UserError(`${label} has no image in it`, { status: 2 });
    }
    return image ?? archive;
  } catch (error) {
    await archive[Symbol.asyncDispose]();
    throw error;
  }
}

/** A folder that is an OCI layout (or what `docker save` writes, unpacked) as a root. */
export async function layoutRoot(directory: string, label: string, options: OpenOptions = {}): Promise<TarRoot> {
  const files = folderFiles(directory);
  try {
    const image = await imageRoot(files, label, options);
    if (image !== undefined) return image;
    throw new UserError(`${directory} is no OCI layout`, {
      status: 2,
      hint: 'it would have oci-layout, index.json and blobs/ in it; a folder that is a root itself is root:DIR',
    });
  } catch (error) {
    files[Symbol.dispose]();
    throw error;
  }
}
