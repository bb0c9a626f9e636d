import { type BenchmarkSpec, tableReference, textParams } from '../benchmark/index.js';
import { RxnasError } from '../errors.js';
import { suggest } from '../suggest.js';
import {
  type ColumnTypes,
  columnMismatch,
  type ItemForm,
  isStage,
  itemForms,
  outputOf,
  type Resource,
  type StageSpec,
} from './component.js';
import { type MapNode, nodeOf, plainOf, type SpecNode } from './document.js';
import { fillExperiment } from './experiment.js';
import { type Checking, checkChoice, checkFields, paramsOf } from './fields.js';
import { isStructure, namePattern, onlyPhase, type SpecTest, specSyntax, structures } from './grammar.js';
import type { Place, Problems } from './problems.js';
import {
  type Chosen,
  listsOf,
  needsOf,
  type RoundsStage,
  type Spec,
  type Stage,
  type StageList,
} from './spec.js';

/** Fields that merging has used up. */
const usedUp = ['extends', 'set'];

/**
 * A merged tree as a spec: every field checked, completed by defaults and by what the loss's experiment says, and every stage held against
 * the columns that those before it provide. What is wrong goes to `problems`; undefined where anything was.
 * @param name what runs are called unless the spec says so
 */
export function checkSpec(root: SpecNode, name: string, checking: Checking): Spec | undefined {
  const { problems } = checking;
  const before = problems.size;
  if (root.kind !== 'map') {
    problems.add(root.place, 'this is no spec', 'a spec is a map with a `pipeline`');
    return undefined;
  }
  const sweep = root.entries.get('sweep');
  if (sweep) {
    problems.add(sweep.key, 'this is a sweep, not the spec of one run', 'run it with `rxnas sweep`');
    return undefined;
  }
  const own = new Map([...root.entries].filter(([key]) => !usedUp.includes(key)));
  const fields = checkFields(
    withBenchmarkText({ ...root, entries: own }, checking),
    specSyntax,
    'spec',
    root.place,
    checking,
  );
  const pipeline = root.entries.get('pipeline');
  if (!pipeline) return undefined; // said by checkFields
  const phases = checkLists(pipeline.node, 'pipeline', checking, { first: 'source', isPhase: true });
  if (problems.size > before) return undefined;

  const filled = phases.map((phase) => fillExperiment(phase, checking));
  for (const phase of filled) flow(phase, nothing, checking);
  if (problems.size > before) return undefined;

  const needs = needsOf(filled, checking.registry);
  const benchmark = (fields.benchmark ?? (needs.has('benchmark') && { 'mnist-cells5': {} })) as
    | Chosen
    | false;
  const space = (fields.space ?? (!benchmark && needs.has('space') && { nasbench101: {} })) as Chosen | false;
  // Without a controller nothing is computed by the engine.
  const engine = needs.has('controller') && ((fields.engine ?? { auto: {} }) as Chosen);
  return {
    name: (fields.name as string | undefined) ?? name,
    seed: fields.seed as number,
    ...(engine && { engine }),
    ...(space && { space }),
    ...(benchmark && { benchmark }),
    ...(engine && fields.controller !== undefined && { controller: fields.controller as string }),
    ...(fields.executor !== undefined && { executor: fields.executor as string }),
    use: (fields.use ?? []) as string[],
    phases: filled,
    tests: (fields.tests ?? []) as SpecTest[],
  };
}

/** `benchmark: name:TEXT` or an imported table, as on the command line, is the benchmark with the parameters that the text stands for. */
function withBenchmarkText(root: MapNode, { registry, problems }: Checking): MapNode {
  const entry = root.entries.get('benchmark');
  if (entry?.node.kind !== 'scalar') return root;
  const reference = String(entry.node.value);
  try {
    const [, name = '', text] = /^([\w-]+):(.+)$/.exec(reference) ?? [];
    const component = registry.get('benchmark', name) as BenchmarkSpec | undefined;
    const table = component ? undefined : tableReference(reference);
    const choice = table
      ? { [table.spec.name]: table.params }
      : component && text && { [name]: textParams(component, text) };
    if (!choice) return root;
    const node = nodeOf(choice, entry.node.place);
    return { ...root, entries: new Map(root.entries).set('benchmark', { ...entry, node }) };
  } catch (error) {
    if (!(error instanceof RxnasError)) throw error;
    problems.add(entry.node.place, error.message, error.hint);
    return { ...root, entries: new Map([...root.entries].filter(([key]) => key !== 'benchmark')) };
  }
}

/** What the first stage of a list has to be. */
interface Position {
  first: 'source' | 'operator';
  /** Whether the lists are phases of the whole. */
  isPhase?: boolean;
}

/** Stages in their order (one list without a name), or named lists. */
function checkLists(node: SpecNode, owner: string, checking: Checking, position: Position): StageList[] {
  if (node.kind === 'list') return [checkList(node, onlyPhase, owner, checking, position)];
  return checkBranches(node, owner, checking, position);
}

function checkBranches(
  node: SpecNode | undefined,
  owner: string,
  checking: Checking,
  position: Position,
): StageList[] {
  const { problems } = checking;
  if (node?.kind !== 'map') {
    if (node)
      problems.add(
        node.place,
        `${owner} is ${JSON.stringify(plainOf(node))}`,
        'give lists of stages by name',
      );
    return [];
  }
  if (node.entries.size === 0)
    problems.add(node.place, `${owner} is empty`, 'give at least one list of stages');
  return [...node.entries].map(([name, { key, node: list }]) => {
    if (!namePattern.test(name)) {
      problems.add(key, `'${name}' is no name`, 'a letter, then letters, digits, - and _');
    }
    return checkList(list, name, `${owner}.${name}`, checking, position, key);
  });
}

function checkList(
  node: SpecNode,
  name: string,
  owner: string,
  checking: Checking,
  { first, isPhase }: Position,
  place: Place = node.place,
): StageList {
  const { problems } = checking;
  if (node.kind !== 'list') {
    problems.add(
      node.place,
      `${owner} is ${JSON.stringify(plainOf(node))}, not a list of stages`,
      'write one stage a line: `- name: { parameters }`',
    );
    return { name, place, stages: [] };
  }
  if (node.items.length === 0) {
    problems.add(
      node.place,
      `${owner} has no stages: nothing can reach it`,
      'give it stages, or take it away',
    );
  }
  const stages: Stage[] = [];
  for (const [i, item] of node.items.entries()) {
    const stage = checkStage(item, checking, i === 0 && first === 'source');
    if (!stage) continue;
    const isSource =
      stage.kind === 'rounds' ||
      (stage.kind === 'component' ? stage.component.kind === 'source' : stage.kind === 'merge' && i === 0);
    if (i === 0 && first === 'source' && !isSource) {
      problems.add(
        stage.place,
        `${owner} begins with ${stage.name}, which is no source`,
        `begin with one of ${sources(checking).join(', ')}`,
      );
    } else if (isSource && stage.kind !== 'merge' && (i > 0 || first === 'operator')) {
      problems.add(
        stage.place,
        `${stage.name} is a source: it has to stand first`,
        `move it to the start of ${owner}, or into a phase of its own`,
      );
    }
    if (stage.kind === 'rounds' && !isPhase) {
      problems.add(stage.place, `${owner} cannot hold rounds`, 'rounds are the first stage of a phase');
    }
    stages.push(stage);
  }
  return { name, place, stages };
}

const sources = ({ registry }: Checking) => [
  ...registry.list('source').map(({ name }) => name),
  'merge',
  'rounds',
];

function checkStage(node: SpecNode, checking: Checking, isFirst: boolean): Stage | undefined {
  const { problems, registry } = checking;
  const how = 'a stage is `name`, or `name: { parameters }`';
  let name: string;
  let place = node.place;
  let params: SpecNode | undefined;
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    name = node.value;
  } else if (node.kind === 'map') {
    const [[key, entry], second] = [...node.entries] as [[string, { key: Place; node: SpecNode }], unknown?];
    if (!entry) {
      problems.add(place, 'an empty stage', how);
      return undefined;
    }
    if (second) {
      const [other, { key: at }] = second as [string, { key: Place }];
      problems.add(
        at,
        `'${other}' beside '${key}': one stage has one name`,
        `indent it below ${key}, or begin a new stage with \`- ${other}\``,
      );
      return undefined;
    }
    [name, place, params] = [key, entry.key, entry.node];
  } else {
    problems.add(place, `${JSON.stringify(plainOf(node))} is no stage`, how);
    return undefined;
  }

  if (isStructure(name)) return checkStructure(name, place, params, checking, isFirst);
  const component = registry.get('stage', name) as StageSpec | undefined;
  if (!component) {
    const known = [...registry.names('stage'), ...Object.keys(structures)];
    const near = suggest(name, known);
    const others = registry.named(name);
    problems.add(
      place,
      `unknown stage '${name}'`,
      near
        ? `did you mean '${near}'? Known: ${known.join(', ')}`
        : others.length > 0
          ? `'${name}' is a ${others[0]!.kind}: it is named by a parameter of a stage`
          : `known: ${known.join(', ')}`,
    );
    return undefined;
  }
  const map = paramsOf(params, name, problems);
  const fields = checkFields(map, component.params, name, place, checking);
  const places = Object.fromEntries(
    [...(map?.entries ?? [])].map(([field, { node }]) => [field, node.place]),
  );
  return { kind: 'component', name, place, component, params: fields, places };
}

function checkStructure(
  name: keyof typeof structures,
  place: Place,
  node: SpecNode | undefined,
  checking: Checking,
  isFirst: boolean,
): Stage | undefined {
  const { problems } = checking;
  if (name === 'rounds') {
    const map = paramsOf(node, name, problems);
    const params = checkFields(map, structures.rounds.params, name, place, checking);
    const each = map?.entries.get('each');
    if (!each) return undefined;
    if (typeof params.searcher === 'string') {
      params.searcher = checkChoice(
        { kind: 'scalar', value: params.searcher, place },
        'searcher',
        name,
        checking,
      );
    }
    const { each: _, ...own } = params;
    return {
      kind: 'rounds',
      name,
      place,
      params: own as RoundsStage['params'],
      each: checkLists(each.node, 'rounds.each', checking, { first: 'source' }),
    };
  }
  if (!node || node.kind === 'scalar') {
    problems.add(place, `${name} has no branches`, `write \`${name}: { one: [stages], two: [stages] }\``);
    return undefined;
  }
  const first = name === 'merge' && isFirst ? 'source' : 'operator';
  return { kind: name, name, place, branches: checkBranches(node, name, checking, { first }) };
}

/** What flows between two stages, as far as it is known. */
interface Flow {
  columns?: ColumnTypes | undefined;
  form?: ItemForm | undefined;
}

const nothing: Flow = { columns: {} };
/** Resources that only stages inside a round are given. */
const ofRounds: readonly Resource[] = ['round', 'inRound', 'searcher'];

/** What flows out of a list. Says which stage lacks which column, cannot take what comes, or stands where it cannot. */
function flow(list: StageList, before: Flow, checking: Checking, inRounds = false): Flow {
  const { problems, registry } = checking;
  let current = before;
  let previous: Stage | undefined;
  for (const stage of list.stages) {
    if (stage.kind === 'component') {
      const { component, name, params, place } = stage;
      if (!inRounds && component.needs.some((need) => ofRounds.includes(need))) {
        problems.add(
          place,
          `${name} stands outside of \`rounds\``,
          `it is a stage of a search: \`rounds: { each: [${name}, …] }\``,
        );
        return {};
      }
      if (component.takes && current.form && component.takes !== current.form) {
        const between = registry
          .list()
          .filter(
            (other) => isStage(other) && other.takes === current.form && other.gives === component.takes,
          )
          .map((other) => other.name);
        problems.add(
          place,
          `${name} takes ${itemForms[component.takes]}; ${previous?.name ?? list.name} gives ${itemForms[current.form]}`,
          between
            ? `put ${between} between them`
            : `put it before ${previous?.name ?? list.name}, or leave it out`,
        );
        return {};
      }
      const lacking = current.columns && columnMismatch(component, current.columns, params);
      if (lacking) {
        const { column, needed, found } = lacking;
        const there = Object.keys(current.columns!);
        problems.add(
          place,
          found
            ? `${name} needs the column '${column}' as ${needed}; it is ${found} here`
            : `${name} needs the column '${column}', which no stage before it provides`,
          `${previous ? `behind ${previous.name} there are` : 'there are'} ${there.join(', ') || 'no columns'}${providers(column, checking)}`,
        );
        return {};
      }
      const kept = component.passes ? current.form : undefined;
      current = {
        columns: current.columns && outputOf(component, current.columns, params),
        form: component.gives ?? (component.kind === 'source' ? 'batches' : kept),
      };
    } else if (stage.kind === 'tee') {
      for (const branch of stage.branches) {
        flow(branch, current, checking, inRounds);
        if (!endsInSink(branch)) {
          problems.add(
            branch.place,
            `the branch '${branch.name}' ends in no sink: its rows reach nothing`,
            `end it with one of ${registry.names('sink').join(', ')}`,
          );
        }
      }
    } else if (stage.kind === 'merge') {
      const into = previous ? current : before;
      const branches = stage.branches.map((branch) => flow(branch, into, checking, inRounds));
      const [first] = branches;
      current = {
        columns: common(branches.map(({ columns }) => columns)),
        form: branches.every(({ form }) => form === first?.form) ? first?.form : undefined,
      };
    } else if (stage.kind === 'rounds') {
      for (const part of stage.each) flow(part, nothing, checking, true);
      current = {
        columns: { round: 'int32', queries: 'int32', fresh: 'int32', dry_rounds: 'int32' },
        form: 'rows',
      };
    }
    previous = stage;
  }
  checkTurn(list, problems);
  return current;
}

/** Between the first and the last stage that works batch by batch with the controller, none may need the whole stream. */
function checkTurn({ stages }: StageList, problems: Problems): void {
  const needs = (stage: Stage, ...resources: Resource[]) =>
    stage.kind === 'component' && resources.some((each) => stage.component.needs.includes(each));
  const first = stages.findIndex((stage) => needs(stage, 'turn'));
  if (first < 0) return;
  const last = stages.findLastIndex((stage) => needs(stage, 'turn', 'save', 'controller'));
  for (const stage of stages.slice(first, last)) {
    if (stage.kind !== 'component' || !needs(stage, 'stream') || stage.component.kind === 'sink') continue;
    problems.add(
      stage.place,
      `${stage.name} needs the whole stream, but stands where one batch is worked on at a time`,
      `move it behind ${stages[last]!.name}`,
    );
  }
}

const endsInSink = ({ stages }: StageList): boolean =>
  stages.some((stage) =>
    stage.kind === 'component' ? stage.component.kind === 'sink' : listsOf(stage).some(endsInSink),
  );

/** The columns that all branches give, of one type. */
function common(branches: readonly (ColumnTypes | undefined)[]): ColumnTypes | undefined {
  const [first, ...others] = branches.filter((columns) => columns !== undefined);
  if (!first || others.length + 1 < branches.length) return undefined;
  return Object.fromEntries(
    Object.entries(first).filter(([name, type]) => others.every((columns) => columns[name] === type)),
  );
}

function providers(column: string, { registry }: Checking): string {
  const stages = registry.list().filter((component): component is StageSpec => 'output' in component);
  const names = stages
    .filter(({ output }) => typeof output !== 'function' && Object.hasOwn(output, column))
    .map(({ name }) => name);
  return names.length > 0 ? `; '${column}' comes from ${names.join(' or ')}` : '';
}
