import { byBytes, type Note } from '../../model/index.ts';
import { allowedVariables } from './variables.ts';

/** What stands in a spec in the place of a secret. */
const secretMark = '[secret]';

/**
 * An address without user info, and without parameters that look like secrets. The user's name in an ssh address is
 * part of the place and stays; a password goes. What is no address comes back as it is.
 */
export function cutAddress(address: string): string {
  const [, scheme, user, rest] = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^/?#@]*(?:@[^/?#@]*)*)@)?([^]*)$/i.exec(address) ?? [];
  if (scheme === undefined || rest === undefined) return address;
  const isSsh = /^(?:git\+)?ssh:/i.test(scheme);
  const name = isSsh && user !== undefined ? `${user.split(':', 1)[0] ?? ''}@` : '';
  return `${scheme}${name}${cutQuery(rest)}`;
}

/**
 * A command and its environment without what looks like a secret, and notes that say so. Values are replaced by
 * `[secret]`; names and options stay, so that a reader sees what was there.
 */
export function cutSecrets(of: { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> }): {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly notes: readonly Note[];
} {
  const argv = cutArguments(of.argv);
  const env: Record<string, string> = {};
  const replaced: string[] = [];
  for (const [name, value] of Object.entries(of.env)) {
    const cut = isSecretVariable(name, value) ? secretMark : cutText(value);
    env[name] = cut;
    if (cut !== value) replaced.push(name);
  }
  const notes: Note[] = [];
  for (const [index, word] of argv.entries()) {
    if (word === of.argv[index]) continue;
    notes.push({ kind: 'secret', text: `argument ${index} of the command looks like a secret: replaced` });
  }
  if (replaced.length > 0) {
    const names = replaced.toSorted(byBytes).join(', ');
    notes.push({ kind: 'secret', text: `variables that look like secrets are not written down: ${names}` });
  }
  return { argv, env, notes };
}

/**
 * The variables that stand in a spec: those of the list in docs/spec.md, and those asked for by name; never one that
 * looks like a secret. Sorted.
 */
export function keptEnvironment(
  env: Readonly<Record<string, string>>,
  variables: readonly string[] = [],
): Readonly<Record<string, string>> {
  const asked = new Set(variables);
  const kept = Object.entries(env).filter(
    ([name, value]) =>
      (asked.has(name) || allowedVariables.some((pattern) => matches(name, pattern))) &&
      !value.includes(secretMark) &&
      !isSecretVariable(name, value) &&
      cutText(value) === value,
  );
  return Object.fromEntries(kept.toSorted(([a], [b]) => byBytes(a, b)));
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

const certain = /PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL/i;
const likely = /TOKEN|(?:^|_)(?:KEY|KEYS|APIKEY|PASS|PWD|PAT|AUTH|COOKIE)$|_KEY_|^AWS_(?:ACCESS|SESSION|SECURITY)/i;
/** What a secret never is: nothing, a switch, a small number, a path. */
const harmless = /^(?:|true|false|yes|no|on|off|[0-9]{1,3}|\/.*)$/i;

/** Whether a setting of that name and value is one that is never written down. */
export function looksSecret(name: string, value: string): boolean {
  return isSecretVariable(name, value) || cutText(value) !== value;
}

function isSecretVariable(name: string, value: string): boolean {
  if (/^(?:OLD)?PWD$/.test(name)) return false;
  if (certain.test(name)) return value !== '' && !value.startsWith('/');
  return likely.test(name) && !harmless.test(value);
}

/** Shapes of keys and tokens that are known by their look. */
const shapes: readonly RegExp[] = [
  /\b(?:gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,})/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\b(?:sk|rk|pk)[-_](?:live|test|proj|ant|or)[-_][A-Za-z0-9_-]{16,}|\bsk-[A-Za-z0-9]{32,}/g,
  /\bhf_[A-Za-z0-9]{30,}/g,
  /\bAIza[0-9A-Za-z_-]{35}/g,
  /\bnpm_[A-Za-z0-9]{36}\b/g,
  /\bpypi-AgEI[A-Za-z0-9_-]{50,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
];

const word = String.raw`(?:"[^"]*"|'[^']*'|[^\s"';&|]+)`;
const secretName = String.raw`(?:[A-Za-z0-9_-]*(?:password|passwd|passphrase|secret|token|credentials?)|(?:[A-Za-z0-9_-]*[_-])?(?:api|access|auth|private|account|encryption)[_-]?key)`;
const authorization =
  /\b((?:Authorization|Proxy-Authorization|X-Api-Key|X-Auth-Token|PRIVATE-TOKEN)\s*:\s*)(?:(Bearer|Basic|Token)\s+)?[^\s"']+/gi;
const bearer = /\b(Bearer\s+)[A-Za-z0-9._~+/=-]{12,}/g;
const assignment = new RegExp(String.raw`(^|[\s;&?])((?:--?)?${secretName}=)(${word})`, 'gi');
const option = new RegExp(String.raw`(\s--?${secretName}\s+)(${word})`, 'gi');
const address = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi;

/** One text without what looks like a secret anywhere in it. */
function cutText(text: string): string {
  let cut = text.replace(address, cutAddress);
  for (const shape of shapes) cut = cut.replace(shape, secretMark);
  return cut
    .replace(
      authorization,
      (_, name: string, scheme?: string) => `${name}${scheme === undefined ? '' : `${scheme} `}${secretMark}`,
    )
    .replace(bearer, `$1${secretMark}`)
    .replace(assignment, (whole, before: string, name: string, value: string) =>
      harmless.test(value) || value.startsWith('$') ? whole : `${before}${name}${secretMark}`,
    )
    .replace(option, (whole, name: string, value: string) =>
      value.startsWith('-') || value.startsWith('$') || harmless.test(value) ? whole : `${name}${secretMark}`,
    );
}

const optionWithValue = new RegExp(`^(--?${secretName}=)([^]*)$`, 'i');
const optionAlone = new RegExp(`^--?${secretName}$`, 'i');

/** Programs whose short options take a secret: as the next word, or in the same one. */
const shortOptions: Readonly<Record<string, RegExp>> = {
  '7z': /^-p$/,
  curl: /^(?:-u|--user|-U|--proxy-user)$/,
  docker: /^-p$/,
  ldapsearch: /^-w$/,
  mongo: /^-p$/,
  mongosh: /^-p$/,
  mysql: /^-p$/,
  mysqldump: /^-p$/,
  podman: /^-p$/,
  'redis-cli': /^-a$/,
  smbclient: /^-U$/,
  sshpass: /^-p$/,
  unzip: /^-P$/,
  wget: /^(?:--http-passwd|--ftp-password)$/,
  zip: /^-P$/,
};
/** Of these, `-p` alone means something else. */
const attachedOnly: ReadonlySet<string> = new Set(['mysql', 'mysqldump', '7z']);

function cutArguments(argv: readonly string[]): readonly string[] {
  let before: RegExp | undefined;
  let program = '';
  return argv.map((argument, index) => {
    const last = argv[index - 1] ?? '';
    const known = shortOptions[argument.slice(argument.lastIndexOf('/') + 1)];
    if (known !== undefined) {
      before = known;
      program = argument.slice(argument.lastIndexOf('/') + 1);
      return argument;
    }
    const asksPublish = (program === 'docker' || program === 'podman') && !argv.includes('login');
    if (before !== undefined && index > 0 && !asksPublish) {
      if (before.test(last) && !attachedOnly.has(program)) return cutOperand(program, argument);
      if (attachedOnly.has(program) && /^-p./.test(argument)) return `-p${secretMark}`;
    }
    if (optionAlone.test(last) && !argument.startsWith('-') && !harmless.test(argument)) return secretMark;
    const [, name, value = ''] = optionWithValue.exec(argument) ?? [];
    if (name !== undefined && !harmless.test(value)) return `${name}${secretMark}`;
    return cutText(argument);
  });
}

/** `user:password` keeps its user. */
function cutOperand(program: string, value: string): string {
  if (program === 'curl') return value.includes(':') ? `${value.split(':', 1)[0] ?? ''}:${secretMark}` : value;
  if (program === 'smbclient') return value.includes('%') ? `${value.split('%', 1)[0] ?? ''}%${secretMark}` : value;
  return secretMark;
}

const secretParameter =
  /^(?:.*(?:token|password|passwd|secret|signature|credential|api[_-]?key|access[_-]?key).*|sig|key|auth|jwt|pat|x-amz-security-token)$/i;

function cutQuery(rest: string): string {
  const question = rest.indexOf('?');
  if (question === -1) return rest;
  const hash = rest.indexOf('#', question);
  const query = rest.slice(question + 1, hash === -1 ? undefined : hash);
  const kept = query.split('&').filter((pair) => !secretParameter.test(pair.split('=', 1)[0] ?? ''));
  const tail = hash === -1 ? '' : rest.slice(hash);
  return `${rest.slice(0, question)}${kept.length === 0 ? '' : `?${kept.join('&')}`}${tail}`;
}
