/** What the report's page shows, as plain JSON: made by `reportData`, read by the code in `page/`. No value that JSON lacks. */
export interface ReportModel {
  title: string;
  /** When it was made, UTC. */
  made: string;
  /** Version of rxnas. */
  version: string;
  runs: RunModel[];
  panels: Panel[];
  /** One for each sweep of which a search has ended. */
  comparisons: Comparison[];
  figures?: FigureModel[];
  map?: MapModel;
  /** How a run that is watched goes on (`rxnas watch`); absent on a page that stays as it is. */
  live?: LiveModel;
}

export interface LiveModel {
  /** As {@link RunModel.state}. */
  state: string;
  /** Empty before there is anything to count; of a sweep its pretrainings, then its searches. */
  progress: Progress[];
}

/** How far a run is. */
export interface Progress {
  unit: 'steps' | 'queries' | 'searches' | 'pretrainings';
  done: number;
  /** null where it is not known. */
  total: number | null;
  /** Of late, a second; null where it is not known. */
  rate: number | null;
  /** Seconds that the rest takes at this rate; null where it is not known. */
  left: number | null;
}

/** One run: what it is, how it stands, where its time went, how it is made again. */
export interface RunModel {
  name: string;
  kind: string;
  /** `done`, `running`, `interrupted`, `failed`, or `dead` where its process is gone. */
  state: string;
  /** Loss, searcher and benchmark, as far as it has any. */
  headline: string;
  /** Made when, by what, for how long: a fact a name. */
  facts: [name: string, value: string][];
  /** Final figures, or those so far. */
  figures: Figure[];
  warnings: { code: string; message: string; step: number }[];
  stages: StageModel[];
  /** Text of the resolved spec. */
  spec: string;
  /** Commands that compute it again, and what compares the two. */
  reproduce: string[];
}

/** How the variants of a sweep did, over their searches. */
export interface Comparison {
  /** The sweep. */
  name: string;
  /** Which cell of a search is reported, and what the accuracies are of. */
  notes: string[];
  /** The variant that the others are tested against. */
  against?: string;
  /** Whether anything published stands beside. */
  published: boolean;
  rows: ComparisonRow[];
}

/** Means, and sample standard deviations (`…Std`), over the searches; null where a figure is not there. Accuracies are fractions. */
export interface ComparisonRow {
  variant: string;
  pretrainings: number;
  searches: number;
  queries: number | null;
  queriesStd: number | null;
  test: number | null;
  testStd: number | null;
  sd: number | null;
  sdStd: number | null;
  regret: number | null;
  rank: number | null;
  /** Test accuracy less that of `against`, with its 95 % interval. */
  difference: number | null;
  low: number | null;
  high: number | null;
  /** Of equal test accuracies, over searches and over the means of pretrainings; corrected for the number of variants. */
  p: number | null;
  pMeans: number | null;
  published: Record<'queries' | 'test' | 'sd' | 'regret' | 'rank', number | null>;
}

/** A number with what it means. */
export interface Figure {
  name: string;
  value: number;
  unit: Unit;
}

/** `fraction`: shown in percent. */
export type Unit = 'fraction' | 'count' | 'number';

/** Rows in and out of a stage; seconds spent in it, and spent waiting for credit. */
export interface StageModel {
  stage: string;
  in: number;
  out: number;
  dropped: number;
  seconds: number;
  waiting: number;
}

/** One chart: lines over one axis, with intervals where a value stands for several. */
export interface Panel {
  id: string;
  title: string;
  /** What the lines, and the bands around them, are. */
  note: string;
  x: string;
  y: string;
  unit: Unit;
  /** Logarithmic, where values differ by orders of magnitude. */
  log: boolean;
  /** Values that hold until the next one: drawn in steps. */
  steps: boolean;
  series: Series[];
}

/** Values by increasing `x`; null where there is none. */
export interface Series {
  name: string;
  x: number[];
  y: (number | null)[];
  /** Ends of the interval; absent without one. */
  low?: (number | null)[];
  high?: (number | null)[];
}

/** A picture, with what there is to see in it. */
export interface FigureModel {
  description: string;
  /** In colours of the page (`var(--text)`). */
  svg: string;
}

/** Embeddings of many cells: laid out in the plane, with what is known of each. Row i of every column is that of one cell. */
export interface MapModel {
  /** Of which controller, of which cells. */
  source: string;
  space: string;
  rows: number;
  /** Codes of the cells, uint32. */
  cells: Column;
  /** At least one; places are uint16, and one step is as long on both axes. */
  layouts: { name: string; note: string; x: Column; y: Column }[];
  /** Points whose Euclidean distances are those of the embeddings: uint8, coordinate by coordinate, in steps of `step`. */
  embedding: { width: number; step: number; values: Column };
  /** What the accuracies are of, e.g. `NAS-Bench-101, CIFAR-10 after 108 epochs (simulated validation)`. */
  benchmark?: string;
  accuracies: Accuracies[];
  /** Tokens of a cell's sequence of `length` that the controller decodes wrongly, uint8; absent where that is not known. */
  errors?: { length: number; values: Column };
}

/** One accuracy a cell: uint16 from `low` (0) to `high` (65,534); 65,535 = not known. Fractions. */
export interface Accuracies {
  id: 'test' | 'validation';
  /** E.g. `simulated validation accuracy`. */
  name: string;
  /** Cells of which it is known. */
  known: number;
  low: number;
  high: number;
  values: Column;
}

/** Numbers in the least room: their bytes by significance (all lowest ones first), by gzip, as Base64. */
export interface Column {
  type: 'uint8' | 'uint16' | 'uint32';
  gzip: string;
}
