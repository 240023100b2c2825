import { UserError } from '../../../model/index.ts';

/** The operands of an action, which has so many. Throws UserError 2 with its usage. */
export function mustHave<const N extends readonly string[]>(
  operands: readonly string[],
  names: N,
  usage: string,
): { readonly [K in keyof N]: string } {
  if (operands.length !== names.length) {
    const what = operands.length < names.length ? `${names[operands.length] ?? ''} is missing` : 'too many operands';
    throw new UserError(what, { status: 2, hint: `usage: repronim ${usage}` });
  }
  return operands as { readonly [K in keyof N]: string };
}
