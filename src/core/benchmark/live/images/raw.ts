/** Labelled images as they lie in files: bytes, and their classes. */
export interface RawImages {
  count: number;
  rows: number;
  columns: number;
  /** 1 (grey) or 3 (red, green, blue). */
  channels: number;
  /** Row-major [count, rows, columns, channels]. */
  pixels: Uint8Array;
  /** Class of each image, from 0. */
  labels: Uint8Array;
}

/** A data set: its two halves, as their makers divided them. */
export interface RawHalves {
  training: RawImages;
  test: RawImages;
}
