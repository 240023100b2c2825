const deepest = 200;
/** Lists in lists on one line, and keys in keys. */
const steep = new RegExp(`(?:[-?][ \\t]+){${deepest}}`);

/**
 * Whether a YAML text may be nested so deeply that a parser takes minutes, or the whole stack, for it. Quotes are not
 * looked at: nothing that anybody wrote comes near.
 */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) depth += 1;
    else if ((code === 0x5d || code === 0x7d) && depth > 0) depth -= 1;
    if (depth > deepest) return true;
  }
  return steep.test(text);
}
