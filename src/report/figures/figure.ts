import type { TopLevelSpec } from 'vega-lite';
import type { Theme } from '../theme.js';

/** A value of a figure's table. */
export type FigureCell = string | number;

/** A kind of figure: made of plain data, whoever computed them. */
export interface Figure<Data> {
  readonly name: string;
  /** What it shows, in a few words. */
  readonly summary: string;
  /** Number of the paper's figure that it follows. */
  readonly paper?: string;
  /** What there is to see, in whole sentences: caption and text for who does not see it. */
  describe(data: Data): string;
  /** The data as rows of one table, for files. Statistics only: no row tells the accuracy of one cell. */
  rows(data: Data): Record<string, FigureCell>[];
  spec(data: Data, theme: Theme): TopLevelSpec;
}

/** Keeps the type of the data while a figure is written down. */
export const defineFigure = <Data>(figure: Figure<Data>): Figure<Data> => Object.freeze(figure);
