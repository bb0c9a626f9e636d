/** What the report's page shows, as plain JSON: made by `reportData`, read by the code in `page/`. No value that JSON lacks. */
export interface ReportModel {
  title: string;
  /** When it was made, UTC. */
  made: string;
  /** Version of rxnas. */
  version: string;
  runs: RunModel[];
  panels: Panel[];
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
