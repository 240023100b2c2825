/** Folders of keys and tokens: everything in them. */
const folders: readonly string[] = [
  '.ssh',
  '.gnupg',
  '.aws',
  '.azure',
  '.kube',
  '.password-store',
  '.oci',
  '.config/gcloud',
  '.config/gh',
  '.config/glab-cli',
  '.config/rclone',
  '.config/op',
  '.config/sops',
  '.local/share/keyrings',
  '.mozilla',
  '.thunderbird',
  '.config/google-chrome',
  '.config/chromium',
];

/** Single files, by the end of their path. */
const files: readonly string[] = [
  '.netrc',
  '_netrc',
  '.authinfo',
  '.authinfo.gpg',
  '.pgpass',
  '.my.cnf',
  '.git-credentials',
  '.config/git/credentials',
  '.npmrc',
  'npmrc',
  '.yarnrc.yml',
  '.pypirc',
  '.env',
  '.envrc',
  '.htpasswd',
  '.vault-token',
  '.boto',
  '.s3cfg',
  '.dockercfg',
  '.docker/config.json',
  'containers/auth.json',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.kaggle/kaggle.json',
  'huggingface/token',
  '.huggingface/token',
  '.apptainer/remote.yaml',
  '.apptainer/docker-config.json',
  '.singularity/remote.yaml',
  '.singularity/docker-config.json',
  '.Xauthority',
  'application_default_credentials.json',
];

const names =
  /^(?:\.env\.(?!example$|sample$|template$|dist$).+|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|.+\.(?:p12|pfx|jks|keystore|kdbx|ppk|ovpn))$/;

/**
 * Whether a path is, by its name, a place for keys, tokens or passwords: never recorded or carried unless the user
 * names it (docs/spec.md, `left`).
 */
export function isSecretPath(path: string): boolean {
  // asked of every path: one look for each of the three
  return inFolders.test(path) || atEnd.test(path) || names.test(path.slice(path.lastIndexOf('/') + 1));
}

const inFolders = new RegExp(`(?:^|/)(?:${oneOf(folders)})(?:/|$)`);
const atEnd = new RegExp(`(?:^|/)(?:${oneOf(files)})$`);

function oneOf(paths: readonly string[]): string {
  return paths.map((path) => RegExp.escape(path)).join('|');
}

/** Whether text holds a private key in PEM form (RFC 7468), OpenSSH's or PGP's included. */
function holdsPrivateKey(text: string): boolean {
  return /^-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/m.test(text);
}

const clients = /(?:^|\/)(?:pip\.conf|uv\.toml|\.?condarc|\.mambarc|\.yarnrc|\.Renviron|\.bundle\/config)$/;

/** Whether a file of this path and text holds a key, or is a package client's configuration with a password or token. */
export function holdsSecret(path: string, text: string): boolean {
  if (holdsPrivateKey(text)) return true;
  return (
    clients.test(path) &&
    /:\/\/[^\s/@]+@|:\/\/\S+\/t\/[^\s/]+\/|_authToken|_(?:TOKEN|PAT|PASSWORD|KEY)\s*[=:]/i.test(text)
  );
}

/** Whether a file's own mode denies others to read it, whatever its folders say. */
export function deniesOthers(mode: number): boolean {
  return (mode & 0o004) === 0;
}

/** Why a file that was kept without its secrets is not what it was. */
export const keptWithoutSecrets = 'kept without its secrets';
