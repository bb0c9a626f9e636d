import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import type { ZodType } from 'zod';
import { sortedKeys } from '../json.js';
import type { JsonValue } from '../run/index.js';
import { choiceKind } from './component.js';
import { onlyPhase } from './grammar.js';
import type { Chosen, Spec, Stage, StageList } from './spec.js';

/**
 * A spec as plain data, with every parameter of every stage: what the manifest and `spec.lock.yaml` of its runs hold. It is a spec
 * itself, and resolves to itself.
 */
export function resolvedSpec(spec: Spec): Record<string, JsonValue> {
  const { name, seed, engine, space, benchmark, controller, executor, use, phases } = spec;
  return plain({
    name,
    seed,
    engine: engine && short(engine),
    space: space && short(space),
    benchmark: benchmark && short(benchmark),
    controller,
    executor,
    use: use.length > 0 ? use : undefined,
    pipeline: listsOf(phases),
  });
}

/** A resolved spec without what its rows do not depend on. */
export function rowsOfSpec({ executor: _, ...spec }: Record<string, JsonValue>): Record<string, JsonValue> {
  return spec;
}

/** A hash of a resolved spec: equal for specs that describe the same run, whatever files and presets they were written in. */
export const specHash = (resolved: Record<string, JsonValue>): string =>
  createHash('sha256')
    .update(JSON.stringify(sortedKeys(rowsOfSpec(resolved))))
    .digest('hex')
    .slice(0, 16);

/** A resolved spec as YAML. */
export const specYaml = (resolved: JsonValue): string => stringify(resolved, { lineWidth: 110 });

function listsOf(lists: readonly StageList[]): unknown {
  const [only] = lists;
  if (lists.length === 1 && only!.name === onlyPhase) return only!.stages.map(stageOf);
  return Object.fromEntries(lists.map(({ name, stages }) => [name, stages.map(stageOf)]));
}

function stageOf(stage: Stage): unknown {
  if (stage.kind === 'component') {
    const params = Object.entries(stage.params).map(([name, value]) => [
      name,
      isChoice(stage, name) ? short(value as Chosen) : value,
    ]);
    return short({ [stage.name]: plain(Object.fromEntries(params)) });
  }
  if (stage.kind === 'rounds') {
    const { searcher, ...params } = stage.params;
    return { rounds: { ...params, searcher: short(searcher), each: listsOf(stage.each) } };
  }
  return {
    [stage.kind]: Object.fromEntries(stage.branches.map(({ name, stages }) => [name, stages.map(stageOf)])),
  };
}

const isChoice = ({ component }: Extract<Stage, { kind: 'component' }>, name: string) =>
  component.params.shape[name] !== undefined &&
  choiceKind(component.params.shape[name] as ZodType) !== undefined;

/** `NAME` alone where it has no parameters. */
function short(chosen: Chosen): unknown {
  const [[name, params] = ['', {}]] = Object.entries(chosen);
  return Object.keys(params).length === 0 ? name : { [name]: params };
}

/** Without what is undefined. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as Record<string, JsonValue>;
