/** One word of a Tcl command; `braced`: it stood in braces, and nothing in it is substituted. */
export interface TclWord {
  readonly text: string;
  readonly braced: boolean;
}

/**
 * The commands of a script as words (Tcl(n), "the Dodekalogue"), comments left out. What is not closed ends with the
 * text. Substitutions stay as they are, see `tclPieces`.
 */
export function* tclCommands(script: string): Generator<readonly TclWord[]> {
  const text = script.replaceAll(/\\\r?\n[ \t]*/g, ' ');
  let words: TclWord[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '\n' || char === ';' || char === '\r') {
      if (words.length > 0) yield words;
      words = [];
      at += 1;
    } else if (char === ' ' || char === '\t') at += 1;
    else if (char === '#' && words.length === 0) at = endOfLine(text, at);
    else {
      const { word, end } = readWord(text, at);
      words.push(word);
      at = Math.max(end, at + 1);
    }
  }
  if (words.length > 0) yield words;
}

/** A word that is not braced, in pieces: texts with their escapes taken, and what is to be substituted. */
export function* tclPieces(
  word: string,
): Generator<string | { readonly variable: string } | { readonly command: string }> {
  let at = 0;
  let text = '';
  while (at < word.length) {
    const char = word.charAt(at);
    const [whole, braced, plain] =
      char === '$'
        ? (/^\$(?:\{([^}]*)\}|((?:::)?\w+(?:::\w+)*(?:\(\w*\))?))/.exec(word.slice(at, at + 512)) ?? [])
        : [];
    if (char === '\\') {
      const next = word.charAt(at + 1);
      text += next === 'n' ? '\n' : next === 't' ? '\t' : next;
      at += 2;
    } else if (whole !== undefined) {
      if (text !== '') yield text;
      text = '';
      yield { variable: braced ?? plain ?? '' };
      at += whole.length;
    } else if (char === '[') {
      const end = closing(word, at, '[', ']');
      if (text !== '') yield text;
      text = '';
      yield { command: word.slice(at + 1, end) };
      at = end + 1;
    } else {
      text += char;
      at += 1;
    }
  }
  if (text !== '') yield text;
}

function readWord(text: string, start: number): { readonly word: TclWord; readonly end: number } {
  const char = text.charAt(start);
  if (char === '{') {
    const end = closing(text, start, '{', '}');
    return { word: { text: text.slice(start + 1, end), braced: true }, end: end + 1 };
  }
  if (char === '"') {
    let at = start + 1;
    while (at < text.length && text.charAt(at) !== '"') {
      if (text.charAt(at) === '\\') at += 2;
      else if (text.charAt(at) === '[') at = closing(text, at, '[', ']') + 1;
      else at += 1;
    }
    return { word: { text: text.slice(start + 1, at), braced: false }, end: at + 1 };
  }
  let at = start;
  while (at < text.length && !/[\s;]/.test(text.charAt(at))) {
    if (text.charAt(at) === '\\') at += 2;
    else if (text.charAt(at) === '[') at = closing(text, at, '[', ']') + 1;
    else at += 1;
  }
  return { word: { text: text.slice(start, at), braced: false }, end: at };
}

/** Where the bracket at `start` is closed; the end of the text where it is not. */
function closing(text: string, start: number, open: string, close: string): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (char === open) depth += 1;
    else if (char === close && (depth -= 1) === 0) return at;
  }
  return text.length;
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}
