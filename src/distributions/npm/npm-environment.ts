import { homedir } from 'node:os';

const passed =
  /^(?:https?_proxy|no_proxy|all_proxy|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|npm_config_(?:registry|cache|userconfig|globalconfig|cafile|.*proxy))$/i;

/** The environment that npm itself gets: where its configuration is, and how the network is reached. */
export function passedOn(): Record<string, string> {
  const outside = Object.entries(process.env).filter(([name]) => passed.test(name)) as [string, string][];
  return {
    ...Object.fromEntries(outside),
    PATH: process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: homedir(),
    LC_ALL: 'C.UTF-8',
    NO_UPDATE_NOTIFIER: '1',
  };
}
