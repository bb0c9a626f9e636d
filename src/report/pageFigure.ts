import type { TopLevelSpec } from 'vega-lite';
import type { FigureModel } from './model.js';
import { renderSvg } from './svg.js';
import type { Theme } from './theme.js';

/** Colours that stand for those of the page, which may be light or dark: each is the page's variable in the finished picture. */
const variables = {
  ground: '#f0f0e1',
  text: '#f0f0e2',
  muted: '#f0f0e3',
  line: '#f0f0e4',
  'series-0': '#f0f0d0',
  'series-1': '#f0f0d1',
  'series-2': '#f0f0d2',
  'series-3': '#f0f0d3',
  'series-4': '#f0f0d4',
  'series-5': '#f0f0d5',
  'series-6': '#f0f0d6',
} as const;

const theme: Theme = {
  background: variables.ground,
  ink: variables.text,
  muted: variables.muted,
  grid: variables.line,
  series: [0, 1, 2, 3, 4, 5, 6].map((i) => variables[`series-${i as 0}`]),
};

/** A figure as the page shows it: in its own colours. */
export async function pageFigure(figure: {
  description: string;
  spec(theme: Theme): TopLevelSpec;
}): Promise<FigureModel> {
  const drawn = await renderSvg(figure.spec(theme), theme);
  const svg = Object.entries(variables).reduce(
    (text, [name, colour]) => text.replaceAll(colour, `var(--${name})`),
    drawn,
  );
  return { description: figure.description, svg };
}
