/** One token of a Lua program; exactly one of the three is there. Numbers are texts. */
export interface LuaToken {
  /** A string's value, escapes taken. */
  readonly text?: string;
  /** A name, dots in it included: `os.getenv`. */
  readonly name?: string;
  /** Anything else. */
  readonly sign?: string;
}

const token =
  /[\s;]+|--\[(?<comment>=*)\[|--[^\n]*|\[(?<level>=*)\[|"(?<double>(?:[^"\\\n]|\\[^])*)"|'(?<single>(?:[^'\\\n]|\\[^])*)'|(?<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?<number>\d[\w.]*)|(?<sign>==|~=|\.\.|[^])/y;

/** The tokens of a Lua program (Lua 5.1 reference manual 2.1), comments left out. Never throws; at most 200,000. */
export function luaTokens(program: string): LuaToken[] {
  const tokens: LuaToken[] = [];
  const expression = new RegExp(token.source, token.flags);
  while (expression.lastIndex < program.length && tokens.length < 200_000) {
    const found = expression.exec(program);
    if (found === null) break;
    const { comment, level, double, single, name, number, sign } = found.groups ?? {};
    const long = comment ?? level;
    if (long !== undefined) {
      const start = expression.lastIndex;
      const end = program.indexOf(`]${long}]`, start);
      const stop = end === -1 ? program.length : end;
      if (level !== undefined) tokens.push({ text: program.slice(start, stop).replace(/^\r?\n/, '') });
      expression.lastIndex = stop + long.length + 2;
    } else if (double !== undefined || single !== undefined) tokens.push({ text: unescape(double ?? single ?? '') });
    else if (name !== undefined) tokens.push({ name });
    else if (number !== undefined) tokens.push({ text: number });
    else if (sign !== undefined) tokens.push({ sign });
  }
  return tokens;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(\d{1,3}|[^])/g, (_, what: string) => {
    if (/^\d/.test(what)) return String.fromCharCode(Math.min(Number(what), 255));
    return (
      ({ n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' } as Record<string, string>)[what] ?? what
    );
  });
}
