import { stringify } from 'yaml';
import { z } from 'zod';
import {
  type Choice,
  type ColumnTypes,
  type Component,
  type ComponentKind,
  type ItemForm,
  isStage,
  type Needing,
  type Stability,
} from './component.js';
import { type Structure, structures } from './grammar.js';

/** A parameter, as people and programs read it. */
export interface ParamDescription {
  /** Its name; of a field within, the path to it (`limits.spread`). */
  name: string;
  /** `whole number`, `number`, `text`, `true or false`, `one of a, b`, `a loss`, `list of …`, `map`. */
  type: string;
  unit?: string;
  /** Absent where there is none; {@link required} tells whether it then has to be given. */
  default?: unknown;
  required: boolean;
  /** Range of numbers in words: `1 … 100`, `> 0`. */
  range?: string;
  description: string;
}

/** A component, as `rxnas describe --json` prints it. */
export interface ComponentDescription {
  kind: ComponentKind;
  name: string;
  summary: string;
  stability: Stability;
  source?: string;
  /** What else there is to know, by heading: formula, experiment, … */
  facts: Record<string, string>;
  params: ParamDescription[];
  /** Of stages: columns that have to flow in, and that flow out. `from parameters` where they follow from these. */
  input?: ColumnTypes | 'from parameters';
  output?: ColumnTypes | 'from parameters';
  /** Of stages: what its items have to be, and what those are that it gives; absent: whatever comes. */
  takes?: ItemForm;
  gives?: ItemForm;
  /** Of stages: whether the columns that flowed in flow out as well. */
  passes?: boolean;
  /** What the pipeline hands in. */
  needs?: readonly string[];
  /** As it stands in a spec. */
  example: string;
}

/** All that a component says of itself. */
export function describeComponent(component: Component): ComponentDescription {
  const { kind, name, summary, source, stability = 'stable' } = component;
  return {
    kind,
    name,
    summary,
    stability,
    ...(source !== undefined && { source }),
    facts: factsOf(component),
    params: describeParams(component.params),
    ...(isStage(component) && {
      input: typeof component.input === 'function' ? ('from parameters' as const) : component.input,
      output: typeof component.output === 'function' ? ('from parameters' as const) : component.output,
      ...(component.takes && { takes: component.takes }),
      ...(component.gives && { gives: component.gives }),
      passes: component.passes ?? false,
    }),
    ...('needs' in component && { needs: (component as Needing).needs }),
    example: exampleOf(component),
  };
}

export const structureNames = Object.keys(structures) as Structure[];

/** The stages that hold stages: part of the grammar, and described like components. */
export function describeStructure(name: Structure): ComponentDescription {
  const { kind, summary, params, example } = structures[name];
  const branches: ParamDescription = {
    name: 'NAME',
    type: 'stages',
    required: true,
    description: params.description ?? '',
  };
  return {
    kind,
    name,
    summary,
    stability: 'stable',
    facts: {},
    params: params instanceof z.ZodObject ? describeParams(params) : [branches],
    example: `- ${example}`,
  };
}

/** A stage, or a field of a spec that names the component. */
export function exampleOf(component: Component): string {
  const { kind, name } = component;
  if (isStage(component)) return `- ${component.example}`;
  if (component.example !== undefined) {
    return `${kind}: ${component.example.startsWith(`${name}:`) ? `{ ${component.example} }` : component.example}`;
  }
  const { success, data } = component.params.safeParse({});
  const params = success ? data : {};
  return `${kind}: ${inline(Object.keys(params).length > 0 ? { [name]: params } : name)}`;
}

const inline = (value: Choice) =>
  stringify(value, { collectionStyle: 'flow', flowCollectionPadding: true, lineWidth: 0 }).trim();

/** Figures that components of a kind have beside what all have. */
function factsOf(component: Component): Record<string, string> {
  const { formula, reducer, experiment, space, cells } = component as Component & {
    formula?: string;
    reducer?: string;
    experiment?: {
      miner: { name: string; params: object };
      weight: number;
      batch: number;
      learningRate: number;
    };
    space?: { name: string };
    cells?: number;
  };
  return {
    ...(formula !== undefined && { formula }),
    ...(reducer !== undefined && { reducer }),
    ...(experiment && {
      experiment: `miner ${inline({ [experiment.miner.name]: { ...experiment.miner.params } })}, weight ${experiment.weight}, ${experiment.batch} cells a step, learning rate ${experiment.learningRate}`,
    }),
    ...(space && { space: space.name }),
    ...(cells !== undefined && { cells: String(cells) }),
  };
}

/** A parameter's default as people read it. */
export function defaultText({ default: value, required }: ParamDescription): string {
  if (value === undefined) return required ? 'required' : '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The part of JSON Schema that parameters use. */
interface JsonSchema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  unit?: string;
  component?: ComponentKind;
  stages?: boolean;
}

/** The parameters of a schema; fields of maps follow the map that they are in. */
export function describeParams(params: z.ZodObject): ParamDescription[] {
  const schema = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return fields(schema, '');
}

function fields({ properties = {}, required = [] }: JsonSchema, path: string): ParamDescription[] {
  return Object.entries(properties).flatMap(([name, param]) => {
    const range = rangeOf(param) ?? (param.items && rangeOf(param.items));
    return [
      {
        name: path + name,
        type: typeOf(param),
        ...(param.unit !== undefined && { unit: param.unit }),
        ...(param.default !== undefined && { default: param.default }),
        required: required.includes(name),
        ...(range !== undefined && { range }),
        description: param.description ?? '',
      },
      ...fields(param, `${path}${name}.`),
    ];
  });
}

function typeOf({ component, stages, enum: values, const: value, type, items }: JsonSchema): string {
  if (stages) return 'stages';
  if (component) return `${/^[aeiou]/.test(component) ? 'an' : 'a'} ${component}`;
  if (values) return `one of ${values.join(', ')}`;
  if (value !== undefined) return JSON.stringify(value);
  switch (type) {
    case 'integer':
      return 'whole number';
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'object':
      return 'map';
    case 'array':
      return `list of ${items ? typeOf(items) : 'values'}`;
    default:
      return type ?? 'any value';
  }
}

const number = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 15 });

function rangeOf(schema: JsonSchema): string | undefined {
  const { exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  const least = bound(schema.minimum);
  const most = bound(schema.maximum);
  if (least !== undefined && most !== undefined) return `${number(least)} … ${number(most)}`;
  const sides = [
    ...(least === undefined ? [] : [`≥ ${number(least)}`]),
    ...(above === undefined ? [] : [`> ${number(above)}`]),
    ...(most === undefined ? [] : [`≤ ${number(most)}`]),
    ...(below === undefined ? [] : [`< ${number(below)}`]),
  ];
  return sides.length > 0 ? sides.join(', ') : undefined;
}

/** Bounds that only say which integers a double can hold are none. */
const bound = (value: number | undefined) =>
  value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
