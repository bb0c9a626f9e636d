import type { Config, TopLevelSpec } from 'vega-lite';

/** Colours that people with any colour vision tell apart (Okabe and Ito, 2008). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

/** How all plots look. */
const config: Config = {
  background: '#ffffff',
  font: 'Helvetica, Arial, sans-serif',
  axis: {
    titleFontWeight: 'normal',
    grid: true,
    gridColor: '#e6e6e6',
    domainColor: '#888888',
    tickColor: '#888888',
  },
  legend: { orient: 'bottom', direction: 'vertical', labelLimit: 400, symbolStrokeWidth: 2.5 },
  range: { category: colours },
  view: { stroke: null },
};

/**
 * A Vega-Lite plot as the text of an SVG file. No browser is needed, and equal data give equal bytes. Rejects where `spec` is no
 * Vega-Lite specification.
 */
export async function renderSvg(spec: TopLevelSpec): Promise<string> {
  // Loaded when a plot is wanted: it takes longer than most commands.
  const [{ compile }, { parse, View }] = await Promise.all([import('vega-lite'), import('vega')]);
  const view = new View(parse(compile(spec, { config }).spec), { renderer: 'none' });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}
