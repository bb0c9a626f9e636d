import { z } from 'zod';
import { type Component, type ComponentKind, isStage } from './component.js';
import { specSyntax, structures } from './grammar.js';
import type { Registry } from './registry.js';
import { sweepSyntax, variationSyntax } from './sweepGrammar.js';

/** A JSON Schema, or a part of one. */
export type JsonSchema = { [key: string]: unknown };

const options = { io: 'input', target: 'draft-7', unrepresentable: 'any' } as const;

/**
 * The JSON Schema (draft 7, which editors know) of specs, and of sweeps of them, that may name the components of `registry`. It says what belongs where; that columns
 * fit, `rxnas lint` knows.
 */
export function specJsonSchema(registry: Registry): JsonSchema {
  const definitions: Record<string, JsonSchema> = {};
  /** The definition of a choice of a component, made when it is first named. */
  const choiceOf = (kind: ComponentKind): JsonSchema => {
    const name = `${kind}`;
    if (!definitions[name]) {
      definitions[name] = {}; // its own parameters may name it again
      definitions[name] = named(registry.list(kind), parameters);
      if (kind === 'benchmark') (definitions[name].anyOf as JsonSchema[]).push(tableReference(registry));
    }
    return { $ref: `#/definitions/${name}` };
  };
  const parameters = (schema: z.ZodType): JsonSchema => {
    const { $schema: _, ...own } = z.toJSONSchema(schema, options);
    return refined(own, choiceOf);
  };

  const stages = registry.list().filter(isStage);
  definitions.stage = named(stages, parameters);
  const [, form] = definitions.stage.anyOf as [JsonSchema, JsonSchema];
  for (const [name, { summary, params }] of Object.entries(structures)) {
    (form.properties as Record<string, JsonSchema>)[name] = { ...parameters(params), description: summary };
  }
  const list = { type: 'array', minItems: 1, items: { $ref: '#/definitions/stage' } };
  definitions.branches = { type: 'object', minProperties: 1, additionalProperties: list };
  definitions.stages = { anyOf: [list, { $ref: '#/definitions/branches' }] };

  // What stands on another one need not have all fields of its own.
  const partial = (schema: z.ZodType): JsonSchema => {
    const { required: _, ...rest } = parameters(schema);
    return rest;
  };
  definitions.spec = partial(specSyntax);
  definitions.sweep = partial(sweepSyntax);
  definitions.variation = partial(variationSyntax);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'rxnas spec',
    description:
      'A pipeline of rxnas, or a sweep of them: `rxnas describe NAME` says more of each component.',
    if: { type: 'object', anyOf: [{ required: ['sweep'] }, { required: ['variants'] }] },
    // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
    then: { $ref: '#/definitions/sweep' },
    else: {
      allOf: [
        { $ref: '#/definitions/spec' },
        { type: 'object', anyOf: [{ required: ['pipeline'] }, { required: ['extends'] }] },
      ],
    },
    definitions: Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** One of `components`: its name, or its name with parameters. */
function named(components: readonly Component[], parameters: (schema: z.ZodType) => JsonSchema): JsonSchema {
  const alone = components.filter(({ params }) => params.safeParse({}).success);
  return {
    anyOf: [
      { enum: alone.map(({ name }) => name) },
      {
        type: 'object',
        minProperties: 1,
        maxProperties: 1,
        additionalProperties: false,
        properties: Object.fromEntries(
          components.map(({ name, summary, params }) => {
            return [name, { ...parameters(params), description: summary }];
          }),
        ),
      },
    ],
  };
}

/** `NAME:FILE`, for benchmarks that are read from a table. */
const tableReference = (registry: Registry): JsonSchema => ({
  type: 'string',
  pattern: `^(${registry.names('benchmark').join('|')}):.+`,
});

/** What zod writes, with what the grammar marks: choices, stages, environment variables, units. */
function refined(value: unknown, choiceOf: (kind: ComponentKind) => JsonSchema): JsonSchema {
  if (Array.isArray(value)) return value.map((each) => refined(each, choiceOf)) as unknown as JsonSchema;
  if (typeof value !== 'object' || value === null) return value as JsonSchema;
  const {
    component,
    stages,
    spec,
    variation,
    env,
    environment: _,
    unit,
    ...own
  } = value as JsonSchema & {
    description?: string;
    default?: unknown;
  };
  const about = {
    ...(own.default !== undefined && { default: own.default }),
    ...(own.description !== undefined && {
      description: typeof unit === 'string' ? `${own.description} [${unit}]` : own.description,
    }),
  };
  // The fields of a map have names of their own, `description` or `unit` among them.
  const fields = (map: JsonSchema): JsonSchema =>
    Object.fromEntries(Object.entries(map).map(([name, field]) => [name, refined(field, choiceOf)]));
  let schema: JsonSchema;
  if (typeof component === 'string') schema = { anyOf: [choiceOf(component as ComponentKind)], ...about };
  else if (spec === true) schema = { anyOf: [{ $ref: '#/definitions/spec' }], ...about };
  else if (variation === true) schema = { anyOf: [{ $ref: '#/definitions/variation' }], ...about };
  else if (stages === true) {
    schema = { anyOf: [{ $ref: `#/definitions/${'anyOf' in own ? 'stages' : 'branches'}` }], ...about };
  } else {
    const entries = Object.entries(own).filter(([key, bound]) => !isNoBound(key, bound));
    schema = {
      ...Object.fromEntries(
        entries.map(([key, each]) => [
          key,
          key === 'properties' ? fields(each as JsonSchema) : refined(each, choiceOf),
        ]),
      ),
      ...about,
    };
  }
  if (env !== true) return schema;
  const { default: standard, description, ...plain } = schema;
  return {
    anyOf: [plain, { type: 'string', pattern: '\\$\\{\\w+' }],
    ...(standard !== undefined && { default: standard }),
    description: `${description}; may be \${VARIABLE}`,
  };
}

/** Bounds that only say which integers a double can hold. */
const isNoBound = (key: string, bound: unknown) =>
  (key === 'minimum' || key === 'maximum') && Math.abs(bound as number) >= Number.MAX_SAFE_INTEGER;
