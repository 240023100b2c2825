import { readFileSync } from 'node:fs';

/** The version in package.json, which lies beside `dist/` and above `src/cli/`. */
export function version(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (found.name === 'repronim') return found.version ?? 'unknown';
    } catch {
      // the other place
    }
  }
  return 'unknown';
}
