import { type ZodObject, type ZodType, z } from 'zod';

/** Stages of a pipeline, in the order in which they stand in one. */
export const stageKinds = ['source', 'operator', 'sink'] as const;
export type StageKind = (typeof stageKinds)[number];

/** All kinds of components. */
export const componentKinds = [
  ...stageKinds,
  'loss',
  'miner',
  'reducer',
  'distance',
  'space',
  'benchmark',
  'searcher',
  'engine',
] as const;
export type ComponentKind = (typeof componentKinds)[number];

/** What a component promises about its interface. */
export const stabilities = ['stable', 'beta', 'experimental'] as const;
export type Stability = (typeof stabilities)[number];

/**
 * What a component says of itself, written once, in its own file. Validation, JSON Schema, lint, `rxnas list`,
 * `rxnas describe`, completion and docs pages follow from it.
 */
export interface Component<P extends ZodObject = ZodObject> {
  readonly kind: ComponentKind;
  /** Name in specs: a letter, then letters, digits, `-` and `_`. Unique within its kind; stages of all kinds share their names. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Where it comes from: paper, section of REFERENCE.md, other implementation. */
  readonly source?: string | undefined;
  /**
   * What a spec may set: a `z.strictObject`, each field with `.describe`; numbers with their range and
   * `.meta({ unit })`; other components with {@link choice}.
   */
  readonly params: P;
  /** Default: `stable`. */
  readonly stability?: Stability | undefined;
  /** As it stands in a spec, in YAML: `name`, or `name: { param: value }`. Default: made from the parameters' defaults. */
  readonly example?: string | undefined;
  /** Makes it from its parameters (and, for stages and searchers, from the resources that it {@link Needing needs}). */
  readonly create: (...args: never[]) => unknown;
}

/** Types that columns of batches and rows have. A list has one length in all rows. */
export const columnTypes = [
  ...(['uint8', 'int32', 'uint32', 'int64', 'float32', 'float64', 'utf8', 'int32[]', 'float32[]'] as const),
  /** What a miner chose from a batch: no Arrow column, but handed on with it. */
  'selection',
] as const;
export type ColumnTypeName = (typeof columnTypes)[number];

/** Columns by name. */
export type ColumnTypes = Readonly<Record<string, ColumnTypeName>>;

/** What the running pipeline hands in beside the parameters. */
export const resources = {
  space: 'the search space',
  seed: 'the seed of the run',
  credit: 'the credit between source and training step',
  controller: 'the controller that is trained or asked',
  benchmark: 'the benchmark that is searched',
  pool: 'the cells queried so far',
  round: 'the number of the round of a search',
  inRound: 'the round that the stage runs in: its number, what was reported, whether it is the last',
  searcher: 'the searcher of these rounds',
  firstStep: 'the number of the first batch: 0, or where a resumed run goes on',
  skip: 'the batches that an earlier part of the run has used',
  before: 'the steps that an earlier part of the run has logged',
  onWarning: 'who is told warnings',
  isStopped: 'whether the source was ended before it was through',
  onStopped: 'who is told queries whose training was stopped early',
  run: 'the run folder and its log',
  save: 'what writes a checkpoint',
  cells: 'the cells to work on',
  stepsPerEpoch: 'the training steps of one pass over the space',
  reference: 'the figures of collapsed embeddings for this loss and batch',
  start: 'what starts a trainer',
  stream: 'the whole stream, subscribed to once: it keeps something from item to item',
  turn: 'a place in `inTurn`: one batch at a time, with a scope for what it holds',
} as const;
export type Resource = keyof typeof resources;

/** A component that a running pipeline hands resources to. */
export interface Needing<P extends ZodObject = ZodObject> extends Component<P> {
  readonly needs: readonly Resource[];
}

/** What flows between two stages: Arrow batches, batches with the activations of their forward pass, or single rows. */
export const itemForms = {
  batches: 'batches of rows',
  encoded: 'batches with their activations',
  rows: 'single rows',
} as const;
export type ItemForm = keyof typeof itemForms;

/** A stage of a pipeline. */
export interface StageSpec<P extends ZodObject = ZodObject> extends Needing<P> {
  readonly kind: StageKind;
  /** Columns that must flow in; none for sources. Where they follow from the parameters, a function of these. */
  readonly input: ColumnTypes | ((params: Record<string, unknown>) => ColumnTypes);
  /** Columns that flow out. Where they follow from the parameters, a function of these; undefined where they are not known. */
  readonly output: ColumnTypes | ((params: Record<string, unknown>) => ColumnTypes | undefined);
  /** What its items have to be, and what those are that it gives; default: whatever comes, and for sources batches. */
  readonly takes?: ItemForm | undefined;
  readonly gives?: ItemForm | undefined;
  /** Whether the columns that flowed in flow out as well. */
  readonly passes?: boolean | undefined;
  /**
   * Whether a run can go on behind a checkpoint with a new instance of it: it keeps nothing from batch to batch, or is given it back. Asked of
   * stages from the first that needs a `turn` on; those before are computed again. Default: false.
   */
  readonly resumes?: boolean | undefined;
  readonly example: string;
}

export const isStage = (component: Component): component is StageSpec =>
  (stageKinds as readonly string[]).includes(component.kind);

/** The columns that must flow into a stage with these parameters. */
export const inputOf = (stage: StageSpec, params: Record<string, unknown> = {}): ColumnTypes =>
  typeof stage.input === 'function' ? stage.input(params) : stage.input;

/** The columns behind a stage with these parameters, of those that flow into it; undefined where they are not known. */
export function outputOf(
  stage: StageSpec,
  before: ColumnTypes = {},
  params: Record<string, unknown> = {},
): ColumnTypes | undefined {
  const output = typeof stage.output === 'function' ? stage.output(params) : stage.output;
  return stage.passes ? output && { ...before, ...output } : output;
}

/** A column that a stage needs and does not get. */
export interface ColumnMismatch {
  column: string;
  needed: ColumnTypeName;
  /** Absent where there is no such column at all. */
  found?: ColumnTypeName;
}

/** The first column that a stage needs and that is missing or of another type before it. */
export function columnMismatch(
  stage: StageSpec,
  before: ColumnTypes,
  params: Record<string, unknown> = {},
): ColumnMismatch | undefined {
  for (const [column, needed] of Object.entries(inputOf(stage, params))) {
    const found = Object.hasOwn(before, column) ? before[column] : undefined;
    if (found === undefined) return { column, needed };
    if (found !== needed) return { column, needed, found };
  }
  return undefined;
}

/** Where a parameter names another component: its name, or its name with parameters (`{ TripletMargin: { margin: 0.2 } }`). */
export type Choice = string | Record<string, Record<string, unknown>>;

/** The parameter that names a component of `kind`; the pipeline opens it and hands over what it made. */
export const choice = (kind: ComponentKind): ZodType<Choice> =>
  z
    .union([
      z.string().min(1),
      z
        .record(z.string(), z.record(z.string(), z.unknown()))
        .refine((value) => Object.keys(value).length === 1, {
          message: `one ${kind}: its name, or { NAME: { parameters } }`,
        }),
    ])
    .meta({ component: kind }) as ZodType<Choice>;

/** The kind of component that a parameter names; undefined for a parameter that is a plain value. */
export function choiceKind(param: ZodType): ComponentKind | undefined {
  const kind = metaOf(param).component as ComponentKind | undefined;
  return kind;
}

/** What `.meta` and `.describe` say of a parameter, also below `.optional()` and `.default()`. */
export function metaOf(param: ZodType): Record<string, unknown> {
  const { innerType } = param.def as { innerType?: ZodType };
  return { ...(innerType && metaOf(innerType)), ...param.meta() };
}

/** Name and parameters of a {@link Choice}. */
export function readChoice(given: Choice): { name: string; params: Record<string, unknown> } {
  if (typeof given === 'string') return { name: given, params: {} };
  const [[name, params] = ['', {}]] = Object.entries(given);
  return { name, params };
}
