import {
  concat,
  connect,
  defer,
  EMPTY,
  from,
  identity,
  ignoreElements,
  merge,
  mergeMap,
  NEVER,
  Observable,
  type OperatorFunction,
  of,
  Subject,
  type Subscription,
  tap,
} from 'rxjs';
import { Credit } from '../../core/backpressure.js';
import type { EventRow } from '../../core/batch/index.js';
import type { Benchmark, Evaluation } from '../../core/benchmark/benchmark.js';
import { breathe } from '../../core/breathe.js';
import { usageError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { collapseReference } from '../../core/losses/health.js';
import { Pool, type QueryRow } from '../../core/search/pool.js';
import { sampleCells } from '../../core/space/sampleCells.js';
import { choiceKind, type Resource } from '../../core/spec/component.js';
import { textOf } from '../../core/spec/problems.js';
import {
  type Chosen,
  type ComponentStage,
  componentsOf,
  nameOf,
  type RoundsStage,
  type Stage,
  type StageList,
} from '../../core/spec/spec.js';
import { stoppedWarning } from '../../operators/benchmarkLookup.js';
import { type InScope, inTurn } from '../../operators/inTurn.js';
import { metered, meteredSource } from '../../operators/metered.js';
import type { Round } from '../../operators/round.js';
import { type Opened, openChoice } from '../openChoice.js';
import { rounds } from '../rounds.js';
import type { Searcher, SearcherSpec } from '../searchers/searcher.js';
import { type Plan, planOf } from './plan.js';
import { fromTheStart, type Session, type Start } from './session.js';

/** Batches held between a source and the stage that they wait for. */
const capacity = 4;

type AnyStream = Observable<unknown>;
type AnyOperator = OperatorFunction<unknown, unknown>;

/** What the stages of one list are made with. */
interface Scope {
  session: Session;
  start: Start;
  list: StageList;
  plan: Plan;
  credit: Credit;
  tees: Tee[];
  /** About rows that have not been handed on yet. */
  warnings: EventRow<'warning'>[];
  /** Ends the sources; inside a round nothing does, as a search is stopped as a whole. */
  stop: AnyStream;
  round?: { inRound: Round; searcher: Searcher };
}

/** What flows through a phase of a spec, from its source to its last stage. Nothing begins before it is subscribed to. */
export function phaseStream(session: Session, phase: StageList, start = fromTheStart): AnyStream {
  return withTees((tees) => listStream(scopeOf(session, phase, start, tees)));
}

/** Part of a phase: its stages `from` to `to`, fed with `input`, or from the phase's own source where that is undefined. */
export function partStream(
  session: Session,
  phase: StageList,
  { from, to, input }: { from: number; to: number; input: AnyStream | undefined },
): AnyStream {
  return withTees((tees) => {
    const scope = scopeOf(session, phase, fromTheStart, tees);
    const stages = phase.stages.slice(from, to + 1);
    return input
      ? input.pipe(operatorOf(stages, scope, false))
      : listStream({ ...scope, list: { ...phase, stages: phase.stages.slice(0, to + 1) } });
  });
}

function scopeOf(session: Session, list: StageList, start: Start, tees: Tee[]): Scope {
  const plan = planOf(list, session.resources.space);
  return {
    session,
    start,
    list,
    plan,
    credit: new Credit(capacity),
    tees,
    stop: session.host.stop,
    warnings: [],
  };
}

function listStream(scope: Scope): AnyStream {
  const [first, ...stages] = scope.list.stages;
  if (!first) return EMPTY;
  const source = sourceOf(first, scope); // made before the others: stages are counted in their order
  return source.pipe(operatorOf(stages, scope, pulls(first)));
}

const pulls = (stage: Stage) => stage.kind === 'component' && stage.component.needs.includes('credit');

function sourceOf(stage: Stage, scope: Scope): AnyStream {
  const { session, start, tees } = scope;
  if (stage.kind === 'component') {
    return createSource(stage, scope).pipe(untilStopped(scope));
  }
  if (stage.kind === 'rounds') return roundsStream(stage, scope);
  return merge(
    ...stage.branches.map((branch) =>
      listStream({
        ...scopeOf(session, branch, start, tees),
        stop: scope.stop,
        ...given({ round: scope.round }),
      }),
    ),
  );
}

/** Ends a source at the stop, and tells where it was not through by then. */
function untilStopped<T>({ stop, session }: Scope): OperatorFunction<T, T> {
  return (source) =>
    new Observable((subscriber) => {
      subscriber.add(
        stop.subscribe(() => {
          if (subscriber.closed) return;
          session.stopped = true;
          session.host.onStopped();
          subscriber.complete();
        }),
      );
      if (!subscriber.closed) subscriber.add(source.subscribe(subscriber));
    });
}

/** Stages behind a source. Those that hold resources of the engine, and those in between, take one batch at a time. */
function operatorOf(stages: readonly Stage[], scope: Scope, pulled: boolean): AnyOperator {
  const first = stages.findIndex((stage) => needs(stage, 'turn'));
  if (first < 0) {
    const rest = chain(stages.map((stage) => stageOperator(stage, scope)));
    return pulled ? chain([paced(scope.credit), rest]) : rest;
  }
  const last = stages.findLastIndex((stage) => needs(stage, 'turn', 'save', 'controller'));
  const before = stages.slice(0, first).map((stage) => stageOperator(stage, scope));
  const inside = stages.slice(first, last + 1).map((stage) => insideTurn(stage, scope));
  const after = stages.slice(last + 1).map((stage) => stageOperator(stage, scope));
  const { start, plan, credit } = scope;
  const turn = inTurn<unknown, unknown>(
    { credit },
    passingOver(plan.aligned ? 0 : start.step, chain(inside)) as OperatorFunction<InScope<unknown>, unknown>,
  );
  return chain([...before, turn, ...after]);
}

/** A stage of a turn is subscribed to once a batch; a sink that needs the whole stream takes it from beside. */
const insideTurn = (stage: Stage, scope: Scope): AnyOperator =>
  needs(stage, 'stream')
    ? tee([{ name: stage.name, place: stage.place, stages: [stage] }], scope)
    : stageOperator(stage, scope);

const needs = (stage: Stage, ...resources: Resource[]) =>
  stage.kind === 'component' && resources.some((each) => stage.component.needs.includes(each));

const chain = (operators: readonly AnyOperator[]): AnyOperator =>
  operators.length === 0
    ? identity
    : (source) => operators.reduce<AnyStream>((stream, operator) => stream.pipe(operator), source);

/** Lets nothing of the first items in: what led up to them was computed again, they themselves need not be. */
const passingOver = (count: number, stages: AnyOperator): AnyOperator =>
  count === 0
    ? stages
    : mergeMap((item) =>
        (item as InScope<unknown>).index < count
          ? from(breathe()).pipe(ignoreElements())
          : of(item).pipe(stages),
      );

/** Gives the event loop its turns where a pulled source meets no stage that works in turn. */
const paced = (credit: Credit): AnyOperator =>
  inTurn<unknown, unknown>(
    { credit },
    mergeMap(async ({ item }) => {
      await breathe();
      return item;
    }),
  );

function stageOperator(stage: Stage, scope: Scope): AnyOperator {
  if (stage.kind === 'component') return createOperator(stage, scope);
  if (stage.kind === 'tee') return tee(stage.branches, scope);
  if (stage.kind === 'rounds') throw new TypeError('rounds are a source');
  const branches = stage.branches.map((branch) =>
    operatorOf(branch.stages, { ...scope, list: branch }, false),
  );
  return connect((rows) => merge(...branches.map((branch) => rows.pipe(branch))));
}

/** A branch that takes what passes by, for as long as the phase runs. */
interface Tee {
  input: Subject<unknown>;
  output: AnyStream;
}

function tee(branches: readonly StageList[], scope: Scope): AnyOperator {
  const inputs = branches.map((branch) => {
    const input = new Subject<unknown>();
    const tee: Tee = { input, output: EMPTY };
    scope.tees.push(tee); // before those of the branch itself: they end after it
    tee.output = input.pipe(
      operatorOf(branch.stages, { ...scope, list: branch, credit: new Credit(capacity) }, false),
    );
    return input;
  });
  return tap((item) => {
    for (const input of inputs) input.next(item);
  });
}

/** A stream and the branches beside it: it completes when they have, and fails where one of them does. */
function withTees(build: (tees: Tee[]) => AnyStream): AnyStream {
  return new Observable((subscriber) => {
    const tees: Tee[] = [];
    const main = build(tees);
    const error = (reason: unknown) => subscriber.error(reason);
    const running = tees.map(({ output }) => {
      const subscription: Subscription = output.subscribe({ error });
      subscriber.add(subscription);
      return subscription;
    });
    const end = (index: number) => {
      if (index === tees.length) return subscriber.complete();
      running[index]!.add(() => {
        if (!subscriber.closed) end(index + 1);
      });
      tees[index]!.input.complete();
    };
    if (subscriber.closed) return;
    subscriber.add(main.subscribe({ next: (item) => subscriber.next(item), error, complete: () => end(0) }));
  });
}

function roundsStream(stage: RoundsStage, scope: Scope): AnyStream {
  const { session, start } = scope;
  const { most, patience, searcher: chosen } = stage.params;
  const { seed } = session.spec;
  const { benchmark, controller } = session.resources;
  const name = nameOf(chosen);
  return defer(() => {
    const pool = openPool(session, stage, start.queries);
    session.pool = pool;
    delete session.round;
    const spec = session.registry.find('searcher', name) as SearcherSpec;
    const searcher = spec.create({
      ...chosen[name],
      benchmark: benchmark!,
      pool,
      seed,
      controller: controller!,
    });
    return rounds(
      {
        pool,
        budget: least(stage, 'budget'),
        seconds: least(stage, 'seconds'),
        rounds: most,
        patience,
        firstRound: start.round,
        dryRounds: start.dryRounds,
        checkpoint: (row) => session.host.saveRound(row),
      },
      (inRound) =>
        concat(
          ...stage.each.map((list) =>
            withTees((tees) =>
              listStream({
                ...scopeOf(session, list, fromTheStart, tees),
                stop: NEVER,
                round: { inRound, searcher },
              }),
            ),
          ),
        ),
    ).pipe(
      untilStopped(scope),
      tap(({ end }) => {
        if (end) session.round = end;
      }),
      mergeMap(({ end }) =>
        end ? [{ round: end.round, queries: end.queries, fresh: end.fresh, dry_rounds: end.dryRounds }] : [],
      ),
    );
  });
}

/** The pool of a search, with the queries that an earlier part of the run has logged. */
export function openPool(
  { spec, resources }: Session,
  { params }: RoundsStage,
  logged: Iterable<QueryRow>,
): Pool {
  const { searcher, identity, protocol, targetFloor } = params;
  const pool = new Pool({
    benchmark: resources.benchmark!,
    searcher: nameOf(searcher),
    seed: spec.seed,
    identity,
    protocol,
    targetFloor,
  });
  for (const row of logged) pool.restore(row);
  return pool;
}

/** The least of what the lookups of a search allow. */
function least({ each }: RoundsStage, param: 'budget' | 'seconds'): number {
  const limits = each.flatMap((list) => [...componentsOf(list)].map(({ params }) => params[param]));
  return Math.min(Number.POSITIVE_INFINITY, ...limits.filter((limit) => typeof limit === 'number'));
}

/** The source of a stage, counted, and checked against what it declares. */
function createSource(stage: ComponentStage, scope: Scope): AnyStream {
  const counts = countsOf(stage, scope);
  if (pulls(stage)) counts.credit = scope.credit;
  return meteredSource({ counts, columns: declared(stage) }, create(stage, scope) as AnyStream);
}

/** The operator of a stage, counted, and checked against what it declares. */
function createOperator(stage: ComponentStage, scope: Scope): AnyOperator {
  // Without a weight there is no metric loss whose embeddings could collapse.
  if (stage.name === 'watchCollapse' && scope.plan.weight === 0) return identity;
  const counts = countsOf(stage, scope);
  const operator = metered({ counts, columns: declared(stage) }, create(stage, scope) as AnyOperator);
  return stage.component.needs.includes('onStopped') ? chain([operator, warnBehind(scope)]) : operator;
}

/** Logs the warnings about a row behind it. */
const warnBehind =
  ({ session: { host }, warnings }: Scope): AnyOperator =>
  (rows) =>
    new Observable((subscriber) =>
      rows.subscribe({
        next(row) {
          subscriber.next(row);
          for (const warning of warnings.splice(0)) {
            host.run.append('warning', warning);
            host.onWarning(warning);
          }
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    );

const countsOf = (stage: ComponentStage, { session }: Scope) => session.meters.of(stage, stage.name);
const declared = ({ component, params }: ComponentStage) =>
  typeof component.output === 'function' ? component.output(params) : component.output;

/** What a component makes of its parameters and the resources that it needs. */
function create(stage: ComponentStage, scope: Scope): unknown {
  const { component, params } = stage;
  const options: Record<string, unknown> = {};
  for (const need of component.needs) options[need] = resource(need, stage, scope);
  for (const [param, value] of Object.entries(params)) {
    if (value === undefined) continue;
    const kind = choiceKind(component.params.shape[param] as never);
    options[param] = kind ? openChoice(scope.session.registry, kind as keyof Opened, value as Chosen) : value;
  }
  return (component.create as (options: object) => unknown)(options);
}

function resource(need: Resource, stage: ComponentStage, scope: Scope): unknown {
  const { session, start, plan, round } = scope;
  const { resources, host, spec } = session;
  const lacking = (what: string, hint: string) =>
    usageError(`${textOf(stage.place)}: ${stage.name} needs ${what}`, hint);
  const provided = <T>(value: T | undefined, what: string, hint: string): T => {
    if (value === undefined) throw lacking(what, hint);
    return value;
  };
  switch (need) {
    case 'space':
      return provided(resources.space, 'a search space', 'give `space: nasbench101`');
    case 'benchmark':
      return provided(resources.benchmark, 'a benchmark', 'give `benchmark: mnist-cells5`');
    case 'controller':
      return provided(resources.controller, 'a controller', 'give an `engine`');
    case 'pool':
      return provided(session.pool, 'the queries of a search', 'put it inside `rounds`, or behind them');
    case 'seed':
      return spec.seed;
    case 'credit':
      return scope.credit;
    case 'run':
      return host.run;
    case 'save':
      return ({ step }: { step: number }) => host.saveStep(step + 1);
    case 'skip':
      return plan.aligned ? start.step : 0;
    case 'firstStep':
      return plan.aligned ? start.step : 0;
    case 'before':
      return start.steps;
    case 'onStopped':
      return (row: QueryRow, why: NonNullable<Evaluation['stopped']>) =>
        scope.warnings.push(stoppedWarning(row, why));
    case 'onWarning':
      return (row: never) => host.onWarning(row);
    case 'isStopped':
      return () => session.stopped === true;
    case 'stepsPerEpoch':
      return plan.stepsPerEpoch;
    case 'reference':
      return referenceOf(scope, lacking);
    case 'cells':
      return cellsOf(stage, session);
    case 'round':
      return provided(round, 'the round of a search', 'put it inside `rounds`').inRound.index;
    case 'inRound':
      return provided(round, 'the round of a search', 'put it inside `rounds`').inRound;
    case 'searcher':
      return provided(round, 'a searcher', 'put it inside `rounds`').searcher;
    case 'turn':
    case 'stream':
      return undefined;
    default:
      throw lacking(`'${need}', which a spec cannot give`, 'use it in code');
  }
}

function referenceOf(
  { plan, session }: Scope,
  lacking: (what: string, hint: string) => Error,
): ReturnType<typeof collapseReference> {
  const { loss, miner, rows, classSize } = plan;
  if (!loss || !miner || !rows || !classSize) {
    throw lacking('the loss, miner and batch of its pipeline', 'put it behind mutate, mine and lossStep');
  }
  return collapseReference(
    openChoice(session.registry, 'loss', loss),
    openChoice(session.registry, 'miner', miner),
    { rows, classSize, dim: session.resources.controller!.config.dim },
  );
}

function cellsOf(stage: ComponentStage, { pool, resources, spec }: Session): Uint32Array {
  const { sample } = stage.params;
  const space = resources.space!;
  if (sample === 'known') return knownCells(stage, resources.benchmark);
  if (sample === 'queried') return Uint32Array.from(pool?.rows ?? [], ({ cell }) => cell);
  return sampleCells(space, sample === 'all' ? space.size : (sample as number), spec.seed);
}

function knownCells({ place, name }: ComponentStage, benchmark: Benchmark | undefined): Uint32Array {
  const known = benchmark?.list?.();
  if (known) return known;
  throw usageError(
    `${textOf(place)}: ${name} wants the cells that the benchmark knows, ${benchmark ? `and ${benchmark.name} has no list of them` : 'and there is none'}`,
    'give a benchmark that is a table, e.g. `benchmark: mnist-cells5`',
  );
}
