/** What a file's capabilities let its program do (capabilities(7)): bits of permitted and inheritable ones. */
export interface FileCapabilities {
  readonly effective: boolean;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

/** In the order of their numbers (linux/capability.h). */
const names: readonly string[] = (
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service ' +
  'net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin ' +
  'sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override ' +
  'mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore'
).split(' ');
const every = (1n << BigInt(names.length)) - 1n;

/** Reads what cap_to_text(3) writes, as rpm has it in headers: `cap_net_raw=ep`. Undefined where it is no such text. */
export function parseCapabilities(text: string): FileCapabilities | undefined {
  const sets = { e: 0n, i: 0n, p: 0n };
  for (const clause of text.trim().split(/\s+/)) {
    const [, list = '', operations = ''] = /^([a-z0-9_,]*)((?:[=+-][eip]*)+)$/.exec(clause) ?? [];
    const bits = operations === '' ? undefined : bitsOf(list);
    if (bits === undefined) return undefined;
    for (const [, operator, flags = ''] of operations.matchAll(/([=+-])([eip]*)/g)) {
      for (const flag of ['e', 'i', 'p'] as const) {
        const isMeant = flags.includes(flag);
        if (operator === '=' || (operator === '-' && isMeant)) sets[flag] &= ~bits;
        if (operator !== '-' && isMeant) sets[flag] |= bits;
      }
    }
  }
  return { effective: sets.e !== 0n, permitted: sets.p, inheritable: sets.i };
}

/** Reads a raw `security.capability`, in hexadecimal; undefined where it is of a form that is not known. */
export function decodeCapabilities(hex: string): FileCapabilities | undefined {
  const raw = Buffer.from(hex, 'hex');
  const revision = raw.length < 12 ? 0 : (raw[3] ?? 0);
  const words = { 1: 1, 2: 2, 3: 2 }[revision];
  if (words === undefined || raw.length < 4 + words * 8) return undefined;
  const mask = (at: number) =>
    BigInt(raw.readUInt32LE(at)) | (words === 1 ? 0n : BigInt(raw.readUInt32LE(at + 8)) << 32n);
  return { effective: (raw.readUInt32LE(0) & 1) === 1, permitted: mask(4), inheritable: mask(8) };
}

/** Whether two are the same; none are as if there were no attribute. */
export function sameCapabilities(a: FileCapabilities | undefined, b: FileCapabilities | undefined): boolean {
  const [one, other] = [a, b].map((is) => is ?? { effective: false, permitted: 0n, inheritable: 0n });
  return (
    one?.effective === other?.effective &&
    one?.permitted === other?.permitted &&
    one?.inheritable === other?.inheritable
  );
}

function bitsOf(list: string): bigint | undefined {
  if (list === '' || list === 'all') return every;
  let bits = 0n;
  for (const word of list.split(',')) {
    const index = names.indexOf(word.replace(/^cap_/, ''));
    if (index < 0) return undefined;
    bits |= 1n << BigInt(index);
  }
  return bits;
}
