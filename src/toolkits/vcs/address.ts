/** The address of a remote without what is secret in it: user names (but ssh's), passwords, tokens in the query. */
export function cleanAddress(address: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? URL.parse(address) : null;
  if (url === null) return address.replace(/^([^/:@]+):[^/@]*@(?=[^/:]+:)/, '$1@'); // user:password@host:path
  if (!/^(?:git\+)?ssh:$/.test(url.protocol)) url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  const clean = url.href;
  // URL adds a slash after a bare host, which the address did not have
  return clean.endsWith('/') && !address.endsWith('/') ? clean.slice(0, -1) : clean;
}

/** Whether another machine can be asked there: http(s), or ssh to a host that is a name and no option. */
export function isFetchable(address: string): boolean {
  if (/[\0-\u{20}\u{7f}]/u.test(address)) return false;
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? URL.parse(address) : null;
  if (url !== null)
    return /^(?:https?|ssh):$/.test(url.protocol) && /^[\w[]/.test(url.hostname) && !url.username.startsWith('-');
  // git's short form of ssh; a colon after a slash is a local path
  return /^(?:[\w.][\w.-]*@)?[\w.][\w.-]*:(?!:)[^-]/.test(address) && !address.includes('::');
}
