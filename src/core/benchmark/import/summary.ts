import type { CompactTable } from '../compactTable.js';
import { type FigureColumn, type NumberColumn, type Quantity, sortFigures } from '../figures.js';
import { rowMeans } from '../table.js';
import type { Gathering } from './gather.js';

/** What lets a person see that an import is right. Accuracies are fractions. */
export interface ImportSummary {
  space: string;
  /** Cells of the table, each once up to isomorphism. */
  cells: number;
  /** Cells of the space that the table lacks. */
  missingCells: number;
  /** Rows or records of the source. */
  rows: number;
  /** Rows about a cell that had been there with the same figures: counted once. */
  duplicates: number;
  /** Rows that are no cell of the space, left out. */
  unknown: number;
  /** Trainings that cells lack beside the one that has most. */
  missingRepeats: number;
  /** Best and mean of the figures that are looked up: those of the first group. */
  best: number;
  mean: number;
  groups: GroupSummary[];
  /** What was put right, in words. */
  repairs: string[];
  /** The published constants of the benchmark, where the table has all of its cells. */
  published: Constant[];
}

/** The trainings of one length on one data set. Accuracies are means over a cell's repeats. */
export interface GroupSummary {
  dataset: string;
  /** 0 where the table does not say. */
  epochs: number;
  repeats: number;
  missingRepeats: number;
  bestTest: number;
  meanTest: number;
  bestValidation: number;
  meanValidation: number;
  meanSeconds: number;
  /** Whether there are figures of half the training. */
  halfway: boolean;
}

/** A published figure and what the table has. */
export interface Constant {
  what: string;
  published: number;
  found: number;
  agrees: boolean;
}

export function summarize(gathering: Gathering, { cells, figures, space }: CompactTable): ImportSummary {
  const groups = groupsOf(sortFigures(figures), cells.length);
  const { rows, duplicates, unknown, repairs, missingRepeats } = gathering;
  return {
    space: space.name,
    cells: cells.length,
    missingCells: space.size - cells.length,
    rows,
    duplicates,
    unknown,
    missingRepeats,
    best: groups[0]?.bestTest ?? Number.NaN,
    mean: groups[0]?.meanTest ?? Number.NaN,
    groups,
    repairs: [...repairs],
    published: cells.length === space.size ? constantsOf(space.name, groups) : [],
  };
}

function groupsOf(figures: readonly FigureColumn[], cells: number): GroupSummary[] {
  const keys = new Set(figures.map(({ dataset, epochs }) => JSON.stringify([dataset, epochs])));
  return [...keys].map((key) => {
    const [dataset, epochs] = JSON.parse(key) as [string, number];
    const group = figures.filter((figure) => figure.dataset === dataset && figure.epochs === epochs);
    const columns = (quantity: Quantity) =>
      group
        .filter((figure) => figure.quantity === quantity && figure.point === 'end')
        .map(({ values }) => values);
    const [test, validation, seconds] = [columns('test'), columns('validation'), columns('seconds')];
    const [best, mean] = bestAndMean(rowMeans(test, cells));
    const [bestValidation, meanValidation] = bestAndMean(rowMeans(validation, cells));
    const known = test.reduce((sum, column) => sum + countOf(column), 0);
    return {
      dataset,
      epochs,
      repeats: test.length,
      missingRepeats: test.length * cells - known,
      bestTest: best,
      meanTest: mean,
      bestValidation,
      meanValidation,
      meanSeconds: bestAndMean(rowMeans(seconds, cells))[1],
      halfway: group.some(({ point }) => point === 'half'),
    };
  });
}

function countOf(column: NumberColumn): number {
  let count = 0;
  for (const value of column) if (!Number.isNaN(value)) count++;
  return count;
}

function bestAndMean(values: Float64Array): [best: number, mean: number] {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return [Number.NaN, Number.NaN];
  return [known.reduce((a, b) => Math.max(a, b)), known.reduce((a, b) => a + b, 0) / known.length];
}

type GroupFigure = 'bestTest' | 'meanTest' | 'bestValidation';

/**
 * Constants of the tables: arXiv 1902.09635 and AG-Net's, CATE's code for NAS-Bench-101 (means of three, 108 epochs); arXiv 2001.00326 for
 * NAS-Bench-201 (200 epochs).
 */
const constants: Record<
  string,
  readonly [dataset: string, epochs: number, figure: GroupFigure, value: number][]
> = {
  nasbench101: [
    ['cifar10', 108, 'bestTest', 0.9432],
    ['cifar10', 108, 'meanTest', 0.8968],
    ['cifar10', 108, 'bestValidation', 0.9506],
  ],
  nasbench201: [
    ['cifar10', 200, 'bestTest', 0.9437],
    ['cifar100', 200, 'bestTest', 0.7351],
    ['ImageNet16-120', 200, 'bestTest', 0.4731],
  ],
};

const inWords: Record<GroupFigure, string> = {
  bestTest: 'best test accuracy',
  meanTest: 'mean test accuracy',
  bestValidation: 'best validation accuracy',
};

function constantsOf(space: string, groups: readonly GroupSummary[]): Constant[] {
  return (constants[space] ?? []).flatMap(([dataset, epochs, figure, published]) => {
    const group = groups.find(
      (each) => each.dataset === dataset && (each.epochs === epochs || each.epochs === 0),
    );
    if (!group || Number.isNaN(group[figure])) return [];
    const found = group[figure];
    const what = `${inWords[figure]} on ${dataset} after ${epochs} epochs`;
    // Published to a hundredth of a per cent.
    return [{ what, published, found, agrees: Math.abs(found - published) < 1e-4 }];
  });
}
