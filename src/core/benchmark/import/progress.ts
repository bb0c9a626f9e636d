/** Where the reading of a source stands, in bytes. */
export interface ReadProgress {
  done: number;
  total: number;
}
