import { posix } from 'node:path';

import type { Note } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';

/** What a program that builds software for clusters wrote into a tree that it installed. */
export interface BuiltBy {
  readonly by: 'easybuild' | 'spack';
  readonly name: string;
  readonly version?: string;
  /** As people name it: the easyconfig, or Spack's hash of all that went into it. */
  readonly facts: Readonly<Record<string, string>>;
  /** The files that say so, absolute. */
  readonly evidence: readonly string[];
}

/**
 * Whether EasyBuild or Spack installed the tree at `top`: EasyBuild leaves the easyconfig in `easybuild/`, Spack the
 * whole description in `.spack/spec.json`. What can't be read is not there, and
 * noted.
 */
export async function readBuiltBy(top: string, root: Root, notes: Note[] = []): Promise<BuiltBy | undefined> {
  const places = [posix.join(top, '.spack/spec.json'), posix.join(top, 'easybuild')];
  const [spack, easybuild] = await root.lstat(places);
  if (spack?.type === 'file') {
    const bytes = await root.readFile(places[0] ?? '', 32 * 1024 * 1024).catch(() => undefined);
    const found = bytes === undefined ? undefined : parseSpackSpec(bytes.toString('utf8'));
    if (found !== undefined) return { ...found, evidence: [places[0] ?? ''] };
    notes.push(brokenNote(places[0] ?? ''));
  }
  if (easybuild?.type === 'directory') {
    const listed = await root.readdir(places[1] ?? '').catch(() => []);
    const [file] = listed
      .map(({ name }) => name)
      .filter((name) => name.endsWith('.eb'))
      .sort();
    const path = file === undefined ? undefined : posix.join(places[1] ?? '', file);
    const bytes = path === undefined ? undefined : await root.readFile(path, 1024 * 1024).catch(() => undefined);
    const found = bytes === undefined ? undefined : parseEasyconfig(bytes.toString('utf8'));
    if (found !== undefined && path !== undefined && file !== undefined) {
      return { ...found, facts: { ...found.facts, easyconfig: file }, evidence: [path] };
    }
    if (path !== undefined) notes.push(brokenNote(path));
  }
  return undefined;
}

function brokenNote(path: string): Note {
  return { kind: 'unreadable', path, text: `${path} does not say what was built there: it is cut short or broken` };
}

/** Spack's spec.json: the first node is the package itself. Undefined where it is none. */
export function parseSpackSpec(text: string): Omit<BuiltBy, 'evidence'> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const spec = member(value, 'spec');
  const nodes = member(spec, 'nodes');
  const [first] = Array.isArray(nodes) ? (nodes as unknown[]) : [];
  const name = line(member(first, 'name'));
  if (name === undefined) return undefined;
  const version = line(member(first, 'version'));
  const compiler = member(first, 'compiler');
  const facts = {
    hash: line(member(first, 'hash')),
    compiler: [line(member(compiler, 'name')), line(member(compiler, 'version'))]
      .filter((part) => part !== undefined)
      .join('@'),
  };
  return { by: 'spack', name, ...(version === undefined ? {} : { version }), facts: given(facts) };
}

/** An easyconfig (EasyBuild's manual, "Writing easyconfig files"): plain assignments of texts are read, no more. */
export function parseEasyconfig(text: string): Omit<BuiltBy, 'evidence'> | undefined {
  const value = (key: string) => new RegExp(`^${key}\\s*=\\s*(["'])([^"'\\n]{1,200})\\1`, 'm').exec(text)?.[2];
  const name = value('name');
  if (name === undefined) return undefined;
  const version = value('version');
  const [, chain, chainVersion] =
    /^toolchain\s*=\s*\{[^}]*?["']name["']\s*:\s*["']([^"']{1,100})["'][^}]*?["']version["']\s*:\s*["']([^"']{1,100})["']/m.exec(
      text,
    ) ?? [];
  const toolchain = chain === undefined ? undefined : `${chain} ${chainVersion ?? ''}`;
  const facts = { toolchain: toolchain ?? (/^toolchain\s*=\s*SYSTEM\b/m.test(text) ? 'system' : undefined) };
  return { by: 'easybuild', name, ...(version === undefined ? {} : { version }), facts: given(facts) };
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function line(value: unknown): string | undefined {
  // oxlint-disable-next-line no-control-regex
  return typeof value === 'string' && /^[^\0-\x1f]{1,200}$/.test(value) ? value : undefined;
}

function given(facts: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(facts).filter((fact): fact is [string, string] => !!fact[1]));
}
