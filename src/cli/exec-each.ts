import { closeSync, createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Argv } from '../model/index.ts';
import { attach } from '../flows/attach.ts';
import { inTurns } from '../flows/group/members.ts';
import type { Hall } from '../flows/house.ts';
import { writeAll } from '../sessions/streams.ts';
import { execIn, type ExecIn } from './exec-in.ts';
import type { Terminal } from './terminal.ts';

/** What one of them answered; the streams are whole where they are asked for as JSON. */
interface Answer {
  readonly name: string;
  readonly status: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/**
 * Runs a program in each of these instances, several at a time. What they write is shown in their order, each line
 * with its instance before it. The exit status is the first that is not 0.
 */
export async function execEach(
  names: readonly string[],
  argv: Argv,
  options: Omit<ExecIn, 'streams'> & { readonly most: number },
  hall: Hall,
  terminal: Terminal,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-each-'));
  const ended = new Set<string>();
  let failed = false;
  const fileOf = (name: string, stream: string) => join(folder, `${name}.${stream}`);
  const one = async (name: string): Promise<Answer> => {
    const [stdout, stderr] = [openSync(fileOf(name, 'stdout'), 'w'), openSync(fileOf(name, 'stderr'), 'w')];
    try {
      const status = await execIn(await attach(name, hall), argv, { ...options, streams: { stdout, stderr } });
      return { name, status };
    } finally {
      closeSync(stdout);
      closeSync(stderr);
      ended.add(name);
    }
  };
  const show = async () => {
    for (const name of names) {
      while (!ended.has(name) && !failed) await sleep(5);
      if (!ended.has(name)) return;
      await showLines(fileOf(name, 'stdout'), `${name}: `, 1);
      await showLines(fileOf(name, 'stderr'), `${name}: `, 2);
    }
  };
  try {
    const running = inTurns(names, options.most, one).catch((error: unknown) => {
      failed = true;
      throw error;
    });
    const [answers] = await Promise.all([running, terminal.json ? undefined : show()]);
    if (terminal.json) {
      terminal.value(
        await Promise.all(
          answers.map(async (answer) => ({
            ...answer,
            stdout: await textOf(fileOf(answer.name, 'stdout')),
            stderr: await textOf(fileOf(answer.name, 'stderr')),
          })),
        ),
      );
    }
    return answers.find(({ status }) => status !== 0)?.status ?? 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lines as they are, bytes that are no text included; one without an end gets one. */
async function showLines(file: string, prefix: string, fd: 1 | 2): Promise<void> {
  const before = Buffer.from(prefix);
  let atStart = true;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    const pieces: Buffer[] = [];
    for (let from = 0; from < chunk.length;) {
      const newline = chunk.indexOf(10, from);
      const to = newline < 0 ? chunk.length : newline + 1;
      if (atStart) pieces.push(before);
      pieces.push(chunk.subarray(from, to));
      atStart = newline >= 0;
      from = to;
    }
    writeAll(fd, Buffer.concat(pieces));
  }
  if (!atStart) writeAll(fd, '\n');
}

async function textOf(file: string): Promise<string> {
  const pieces = await Array.fromAsync(createReadStream(file) as AsyncIterable<Buffer>);
  return Buffer.concat(pieces).toString('utf8');
}
