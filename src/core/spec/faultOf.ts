import { parse } from 'yaml';
import { ZodObject } from 'zod';
import {
  type Component,
  columnTypes,
  isStage,
  itemForms,
  readChoice,
  resources,
  stabilities,
} from './component.js';

/** What is wrong with a component's description, and what to do about it. */
export interface Fault {
  what: string;
  toDo: string;
}

const namePattern = /^[A-Za-z][A-Za-z0-9_-]*$/;
const oneOf = (values: Iterable<string>) => `one of ${[...values].join(', ')}`;

/** The first thing that is wrong with what a component says of itself, for descriptions that no compiler has checked. */
export function faultOf(component: Component): Fault | undefined {
  const { name, summary, params, create, stability, example } = component as {
    [K in keyof Component]: unknown;
  };
  if (typeof name !== 'string' || !namePattern.test(name)) {
    return {
      what: 'has no proper name',
      toDo: 'give it a `name`: a letter, then letters, digits, - and _',
    };
  }
  if (typeof summary !== 'string' || summary.trim() === '') {
    return { what: 'does not say what it is', toDo: 'give it a `summary` of one sentence' };
  }
  if (!(params instanceof ZodObject) || params.def.catchall?._zod.def.type !== 'never') {
    return {
      what: 'has no schema of its parameters',
      toDo: 'give it `params: z.strictObject({ … })`, with z of rxnas',
    };
  }
  if (typeof create !== 'function') {
    return { what: 'has no function that makes it', toDo: 'give it `create`' };
  }
  if (stability !== undefined && !(stabilities as readonly unknown[]).includes(stability)) {
    return { what: `has stability ${JSON.stringify(stability)}`, toDo: `give ${oneOf(stabilities)}` };
  }
  if (isStage(component)) {
    const fault = stageFault(component);
    if (fault) return fault;
  }
  if (example !== undefined) return exampleFault(component);
  return undefined;
}

function stageFault(component: Component): Fault | undefined {
  const { needs, input, output, takes, gives } = component as unknown as Record<string, unknown>;
  if (!Array.isArray(needs)) {
    return {
      what: 'does not say what it needs',
      toDo: 'give it `needs: []`, or what the pipeline is to hand in',
    };
  }
  const unknown = needs.find((need) => !Object.hasOwn(resources, need as string));
  if (unknown !== undefined) {
    return {
      what: `needs ${JSON.stringify(unknown)}`,
      toDo: `a pipeline has ${Object.keys(resources).join(', ')}`,
    };
  }
  for (const [side, form] of Object.entries({ takes, gives })) {
    if (form === undefined || Object.hasOwn(itemForms, form as string)) continue;
    return { what: `${side} ${JSON.stringify(form)}`, toDo: `give ${oneOf(Object.keys(itemForms))}` };
  }
  for (const [side, columns] of Object.entries({ input, output })) {
    if (typeof columns === 'function') continue;
    if (typeof columns !== 'object' || columns === null || Array.isArray(columns)) {
      return {
        what: `does not name the columns of its ${side}`,
        toDo: `give it \`${side}: { column: type }\`, or {}`,
      };
    }
    for (const [column, type] of Object.entries(columns)) {
      if ((columnTypes as readonly unknown[]).includes(type)) continue;
      return {
        what: `has an ${side} column '${column}' of type ${JSON.stringify(type)}`,
        toDo: `give ${oneOf(columnTypes)}`,
      };
    }
  }
  return undefined;
}

/** The example of a component, where it is not one that a spec could hold. */
function exampleFault({ name, params, example }: Component): Fault | undefined {
  let choice: ReturnType<typeof readChoice>;
  try {
    choice = readChoice(parse(example!));
  } catch {
    return { what: 'has an example that is no YAML', toDo: 'correct its `example`' };
  }
  if (choice.name !== name) {
    return { what: `has an example of '${choice.name}'`, toDo: `begin its \`example\` with ${name}` };
  }
  const parsed = params.safeParse(choice.params ?? {});
  if (parsed.success) return undefined;
  const [issue] = parsed.error.issues;
  const path = issue!.path.length > 0 ? `${issue!.path.join('.')}: ` : '';
  return {
    what: `has an example that its own parameters refuse: ${path}${issue!.message}`,
    toDo: 'correct its `example`',
  };
}
