import { toJsonSchemaDefs, type ConversionConfig } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';

import {
  anyText,
  digestText,
  flag,
  idText,
  integer,
  modeText,
  pathText,
  sha256Text,
  text,
  urlText,
  type AnyDistribution,
} from '../src/contract/index.ts';
import { byBytes } from '../src/model/index.ts';
import {
  besideText,
  customizeSchema,
  environmentSchema,
  filesLockSchema,
  filesSchema,
  hostSchema,
  runLockSchema,
  runPathText,
  runSchema,
} from '../src/formats/spec/schema.ts';

type JsonObject = { readonly [key: string]: unknown };

/**
 * The JSON Schema (draft 7) of a spec, made of the same schemas that read it: for editors, and for other programs. It
 * is published as schema/spec-1.json. What no schema of one entry can say (ids, bases, which lock is whose) is not in
 * it.
 */
export function specJsonSchema(distributions: readonly AnyDistribution[]): JsonObject {
  const plugins = distributions.toSorted((a, b) => byBytes(a.type as string, b.type as string));
  const types = plugins.map(({ type }) => type as string);
  const parts = {
    ...Object.fromEntries(
      plugins.flatMap(({ type, schema, lockSchema }): [string, GenericSchema][] => [
        [type as string, schema],
        [`${type}-lock`, lockSchema],
      ]),
    ),
    run: runSchema,
    'run-lock': runLockSchema,
    environment: environmentSchema,
    customize: customizeSchema,
    files: filesSchema,
    'files-lock': filesLockSchema,
    host: hostSchema,
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'repronim: the specification of an environment, version 1',
    type: 'object',
    required: ['repronim', 'distributions'],
    properties: {
      repronim: { const: 1 },
      from: to('beside-path'),
      runs: { type: 'array', items: to('run') },
      environment: to('environment'),
      distributions: {
        type: 'array',
        items: {
          type: 'object',
          required: ['type'],
          properties: { type: { enum: types } },
          // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word
          allOf: types.map((type) => ({ if: { properties: { type: { const: type } } }, then: to(type) })),
        },
      },
      customize: to('customize'),
      files: to('files'),
      lock: {
        type: 'object',
        properties: {
          from: to('digest'),
          distributions: {
            type: 'object',
            additionalProperties: { anyOf: types.map((type) => to(`${type}-lock`)) },
          },
          files: to('files-lock'),
          runs: { type: 'object', additionalProperties: to('run-lock') },
          host: to('host'),
        },
      },
    },
    $defs: { ...(toJsonSchemaDefs({ ...parts, ...scalars } as never, config) as JsonObject), ...scalarsInJson },
  };
}

const scalars: Readonly<Record<string, GenericSchema>> = {
  text,
  'any-text': anyText,
  integer,
  flag,
  sha256: sha256Text,
  digest: digestText,
  mode: modeText,
  path: pathText,
  'run-path': runPathText,
  'beside-path': besideText,
  name: idText,
  address: urlText,
};

/**
 * What valibot's words do not say. A reader that types scalars by their look makes numbers of some texts: they are let
 * in where a text of digits would be.
 */
const scalarsInJson: JsonObject = {
  text: { type: ['string', 'number', 'boolean'], minLength: 1, pattern: String.raw`^[^\u0000\n\r]*$` },
  'any-text': { type: ['string', 'number', 'boolean', 'null'] },
  integer: { type: ['integer', 'string'], minimum: 0, pattern: '^[0-9]{1,15}$' },
  flag: { enum: [true, false, 'true', 'false'] },
  digest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' },
  path: { type: 'string', pattern: String.raw`^/(?!.*(?:^|/)\.{1,2}(?:/|$))(?!.*//)[^\u0000]*$`, maxLength: 4095 },
  'run-path': { type: 'string', pattern: String.raw`^(?!.*(?:^|/)\.{1,2}(?:/|$))(?!.*//)[^\u0000]+$`, maxLength: 4095 },
  'beside-path': {
    type: 'string',
    pattern: String.raw`^(?!/)(?!.*(?:^|/)\.{1,2}(?:/|$))(?!.*//)[^\u0000]+$`,
    maxLength: 4095,
  },
  address: { type: 'string', pattern: '^https?://[^@/]+(?:/|$)' },
};

const config: ConversionConfig = {
  typeMode: 'input',
  errorMode: 'ignore',
  overrideSchema: ({ jsonSchema }) =>
    jsonSchema.type === 'string' && jsonSchema.enum === undefined
      ? ({ ...jsonSchema, type: ['string', 'number'] } as never)
      : undefined,
};

function to(name: string): JsonObject {
  return { $ref: `#/$defs/${name}` };
}
