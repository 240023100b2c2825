import { UserError } from '../../model/index.ts';
import { near } from '../near.ts';

/** A recipe with `{{placeholders}}`, and where it stands. */
export interface Template {
  readonly file: string;
  readonly text: string;
}

/**
 * Puts values in place of `{{name}}`, once: what a value holds is not looked at again. A line that is nothing but a
 * placeholder goes where its value is empty. Nothing is run, and no value is quoted here: whoever gives it has done so,
 * for the place where the form has it. Throws UserError 2 for names that are not known.
 */
export function fillTemplate(template: Template, values: Readonly<Record<string, string>>): string {
  const known = Object.keys(values);
  const valueOf = (name: string, offset: number): string => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined) return value;
    const line = template.text.slice(0, offset).split('\n').length;
    const meant = near(name, known);
    throw new UserError(`${template.file}:${line}: unknown placeholder {{${name}}}`, {
      status: 2,
      hint: `${meant === undefined ? '' : `did you mean {{${meant}}}? `}known: ${known.join(', ')}`,
    });
  };
  return template.text.replaceAll(
    /^[ \t]*\{\{([^{}\n]*)\}\}[ \t]*\n|\{\{([^{}\n]*)\}\}/gm,
    (whole, alone: string | undefined, inLine: string | undefined, offset: number) => {
      const value = valueOf((alone ?? inLine ?? '').trim(), offset);
      if (alone === undefined) return value;
      return value === '' ? '' : `${whole.slice(0, whole.indexOf('{'))}${value}\n`;
    },
  );
}
