import { UserError, type CustomizeStep } from '../../model/index.ts';
import { validate } from './issues.ts';
import { customizeSchema } from './schema.ts';

/** Steps of customize that do not stand in a spec: `where` names them. Throws UserError 2 with all faults. */
export function readSteps(value: unknown, where: string): readonly CustomizeStep[] {
  const result = validate(customizeSchema, value, 'customize');
  if ('output' in result) return result.output as readonly CustomizeStep[];
  const lines = result.issues.map(
    ({ path, message }) => `${where}${path.map((key) => `.${key}`).join('')}: ${message}`,
  );
  throw new UserError(lines[0] ?? '', { status: 2, details: lines.slice(1) });
}
