/** A place between two records of a log. */
export interface LogPosition {
  /** Bytes before it. */
  bytes: number;
  /** Records (frames) before it, those of schemas included. */
  records: number;
  /** Rows before it, by event. */
  rows: Readonly<Record<string, number>>;
}
