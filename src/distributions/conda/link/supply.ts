import type { Supply } from '../../../toolkits/trees/compose.ts';
import { openArtifact } from '../artifact/read.ts';
import type { LinkedPath } from '../record.ts';
import { placeOf, type PrefixPython } from './place.ts';
import { allEncodings, replacePrefix } from './replace.ts';

/** The files that linking one artifact into a prefix makes, entry points and compiled files not among them. */
export function supplyOf(what: string, file: string, prefix: string, python: PrefixPython | undefined): Supply {
  return {
    what,
    async *files() {
      using artifact = openArtifact(file, what);
      const { noarch, paths } = await artifact.info();
      const known = new Map(paths.map((one) => [one.path, one]));
      for await (const { path, content } of artifact.payload()) {
        if (content === undefined) continue;
        const place = placeOf(path, noarch, python);
        for (const linked of linkedContents(content, known.get(path), prefix)) yield { path: place, content: linked };
      }
    },
  };
}

/**
 * What a file may be once it is linked. Installers agree but at the edges: rattler looks for the prefix in UTF-8 only,
 * conda in four further encodings, and old ones leave long interpreter lines alone. Who composes a tree knows which.
 */
function linkedContents(content: Buffer, path: LinkedPath | undefined, prefix: string): readonly Buffer[] {
  if (path?.placeholder === undefined || path.replace === undefined) return [content];
  const { placeholder, replace } = path;
  const [first, ...others] = [
    {},
    { encodings: allEncodings },
    ...(replace === 'text' ? [{ longLines: false }, { encodings: allEncodings, longLines: false }] : []),
  ].map((options) => replacePrefix(content, placeholder, prefix, replace, options));
  const found: Buffer[] = first === undefined ? [] : [first];
  for (const other of others) {
    if (other !== undefined && !found.some((one) => one.equals(other))) found.push(other);
  }
  // hand-made packages name a placeholder that is not in the file
  return found;
}
