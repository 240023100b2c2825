/** What ssh needs of our environment: its agent, the home folder with its settings, how it asks. */
export function sshEnvironment(): Record<string, string> {
  const names = [
    'HOME',
    'USER',
    'LOGNAME',
    'SSH_AUTH_SOCK',
    'SSH_ASKPASS',
    'SSH_ASKPASS_REQUIRE',
    'DISPLAY',
    'TERM',
    'KRB5CCNAME',
  ];
  const own = names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  return { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...Object.fromEntries(own) };
}
