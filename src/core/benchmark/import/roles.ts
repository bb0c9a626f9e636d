import { usageError } from '../../errors.js';
import type { Space } from '../../space/space.js';
import { suggest } from '../../suggest.js';
import type { Figure, Quantity } from '../figures.js';
import { simulatedNasbench101 } from '../layouts.js';

/** Which column of a source is what. */
export interface Roles {
  /** One column that says the cell, or several that do together. */
  key: readonly string[];
  /** A column of hashes that every cell is compared with. */
  hash?: string;
  figures: readonly FigureRole[];
  parameters?: string;
}

export interface FigureRole {
  column: string;
  figure: Figure;
}

/** Columns as a user names them; what is left out is guessed. */
export interface GivenRoles {
  key?: readonly string[];
  validation?: readonly string[];
  test?: readonly string[];
  train?: readonly string[];
  seconds?: readonly string[];
  parameters?: string;
  /** Data set that the figures are of. */
  dataset?: string;
  /** Epochs of the trainings. */
  epochs?: number;
}

const given = ['validation', 'test', 'train', 'seconds'] as const;

/** The data set where nothing says another. */
const defaultDataset = 'cifar10';

/**
 * What the columns of a table are: as given, else as their names say, e.g. `cifar100_test_200`, `x-valid-accuracy`,
 * `test_accuracy_108_mean`, `validation_accuracy_2`. Throws exit code 2 where a column is missing or what is needed cannot be told.
 */
export function rolesOf(path: string, columns: readonly string[], space: Space, wish: GivenRoles): Roles {
  const named = [...(wish.key ?? []), ...given.flatMap((quantity) => wish[quantity] ?? [])];
  if (wish.parameters !== undefined) named.push(wish.parameters);
  for (const name of named) if (!columns.includes(name)) throw noColumn(path, name, columns);

  const anyFigure = given.some((quantity) => wish[quantity]);
  if (!wish.key && !anyFigure && simulatedNasbench101.figures.every(({ column }) => columns.includes(column)))
    return simulatedNasbench101;

  const key = wish.key ?? guessedKey(path, columns, space);
  const figures = anyFigure ? givenFigures(wish) : guessedFigures(columns, key, wish);
  for (const quantity of ['validation', 'test'] as const) {
    if (figures.some(({ figure }) => figure.quantity === quantity)) continue;
    const flag = quantity === 'validation' ? '--valid' : '--test';
    throw usageError(
      `no column of ${path} is known to be the ${quantity} accuracy`,
      `name it with ${flag} COLUMN; the columns are ${columns.join(', ')}`,
    );
  }
  const parameters = wish.parameters ?? (anyFigure ? undefined : columns.find(isParameters));
  return { key, figures, ...(parameters !== undefined && { parameters }) };
}

export function noColumn(path: string, name: string, columns: readonly string[]) {
  const near = suggest(name, columns);
  return usageError(
    `${path} has no column '${name}'`,
    `${near ? `did you mean '${near}'? ` : ''}its columns are ${columns.join(', ')}`,
  );
}

/** Columns that say a cell, the surest first. */
const keys: Record<string, readonly (readonly string[])[]> = {
  nasbench101: [
    ['num_vertices', 'edge_bits', 'interior_ops'],
    ['module_adjacency', 'module_operations'],
    ['raw_adjacency', 'raw_operations'],
    ['module_hash'],
    ['hash'],
  ],
  nasbench201: [
    ['arch'],
    ['arch_str'],
    ['architecture'],
    ['arch_string'],
    ['archs'],
    ['arch_index'],
    ['index'],
  ],
};

function guessedKey(path: string, columns: readonly string[], space: Space): readonly string[] {
  const known = [...(keys[space.name] ?? []), ['cell'], ['key']];
  const found = known.find((names) => names.every((name) => columns.includes(name)));
  if (found) return found;
  throw usageError(
    `no column of ${path} is known to be the cell`,
    `name it with --key COLUMN; the columns are ${columns.join(', ')}`,
  );
}

function givenFigures(wish: GivenRoles): FigureRole[] {
  // What the name of a test column says of data set and epochs holds for all, unless that is given.
  const said = figureOf((wish.test ?? wish.validation ?? [])[0] ?? '');
  const dataset = wish.dataset ?? said?.dataset ?? defaultDataset;
  const epochs = wish.epochs ?? said?.epochs ?? 0;
  return given.flatMap((quantity) =>
    (wish[quantity] ?? []).map((column, i) => ({
      column,
      figure: { dataset, epochs, point: 'end' as const, quantity, repeat: i + 1 },
    })),
  );
}

function guessedFigures(columns: readonly string[], key: readonly string[], wish: GivenRoles): FigureRole[] {
  const repeats = new Map<string, number>();
  return columns.flatMap((column) => {
    const figure = key.includes(column) ? undefined : figureOf(column);
    if (!figure) return [];
    const named = { ...figure, dataset: figure.dataset ?? defaultDataset, epochs: figure.epochs ?? 0 };
    if (wish.dataset !== undefined && figure.dataset === undefined) named.dataset = wish.dataset;
    if (wish.dataset !== undefined && named.dataset !== wish.dataset) return [];
    if (wish.epochs !== undefined && figure.epochs === undefined) named.epochs = wish.epochs;
    // Seeds such as 777 and 888 become repeats 1, 2.
    const group = [named.dataset, named.epochs, named.point, named.quantity].join();
    const repeat = (repeats.get(group) ?? 0) + 1;
    repeats.set(group, repeat);
    return [{ column, figure: { ...named, repeat } }];
  });
}

type Said = Pick<Figure, 'point' | 'quantity'> & Partial<Pick<Figure, 'dataset' | 'epochs'>>;

const datasets: readonly [RegExp, string][] = [
  [/image_?net_?-?16(?:[-_]?120)?/, 'ImageNet16-120'],
  [/cifar_?-?100/, 'cifar100'],
  [/cifar_?-?10/, 'cifar10'],
  [/mnist/, 'mnist'],
];
const words: Record<string, Quantity> = {
  valid: 'validation',
  val: 'validation',
  validation: 'validation',
  test: 'test',
  train: 'train',
  training: 'train',
};
const time = new Set(['seconds', 'second', 'sec', 'secs', 'time']);
const fillers = new Set([
  'accuracy',
  'acc',
  'top1',
  'mean',
  'avg',
  'x',
  'ori',
  'final',
  'end',
  'percent',
  'repeat',
  'seed',
]);
/** Trainings of NAS-Bench-101 and NAS-Bench-201 have these lengths; another number is a repeat or seed. */
const epochsKnown = new Set([4, 12, 36, 90, 108, 200]);

/** What the name of a column says, or undefined where it says anything else too. */
function figureOf(name: string): Said | undefined {
  let rest = name.toLowerCase();
  let dataset: string | undefined;
  for (const [pattern, found] of datasets) {
    if (!pattern.test(rest)) continue;
    rest = rest.replace(pattern, ' ');
    dataset = found;
    break;
  }
  const said: Partial<Said> & { seconds?: boolean; repeat?: number } = {};
  for (const word of rest.split(/[^a-z0-9]+/)) {
    const number = /^(?:e|ep|epochs?)?(\d+)(?:e|ep|epochs?)?$/.exec(word)?.[1];
    if (word === '' || fillers.has(word)) continue;
    else if (time.has(word)) said.seconds = true;
    else if (word === 'half' || word === 'halfway') said.point = 'half';
    else if (words[word] && !said.quantity) said.quantity = words[word];
    else if (number && epochsKnown.has(Number(number)) && said.epochs === undefined)
      said.epochs = Number(number);
    else if (number && said.repeat === undefined) said.repeat = Number(number);
    else return undefined;
  }
  const quantity = said.seconds ? 'seconds' : said.quantity;
  if (!quantity || (said.seconds && said.quantity && said.quantity !== 'train')) return undefined;
  return {
    quantity,
    point: said.point ?? 'end',
    ...(dataset !== undefined && { dataset }),
    ...(said.epochs !== undefined && { epochs: said.epochs }),
  };
}

const isParameters = (name: string) => /^(trainable_?)?param(eter)?s$/.test(name.toLowerCase());
