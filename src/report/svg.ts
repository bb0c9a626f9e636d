import type { TopLevelSpec } from 'vega-lite';
import { configOf, type Theme, themes } from './theme.js';

interface TextItem {
  text?: unknown;
  fontSize?: number;
  fontWeight?: string | number;
}

/** Mean width of a character of DejaVu Sans, in font sizes. Without a browser Vega takes 0.8 for any text, and leaves gaps. */
const characterWidth = { normal: 0.58, bold: 0.66 };

function textWidth({ text: own, fontSize = 11, fontWeight }: TextItem, text: unknown = own): number {
  const width =
    fontWeight === 'bold' || Number(fontWeight) >= 600 ? characterWidth.bold : characterWidth.normal;
  return width * fontSize * String(text ?? '').length;
}

/**
 * A Vega-Lite plot as the text of an SVG file. No browser is needed, and equal data give equal bytes. Rejects where `spec` is no
 * Vega-Lite specification.
 */
export async function renderSvg(spec: TopLevelSpec, theme: Theme = themes.light): Promise<string> {
  // Loaded when a plot is wanted: it takes longer than most commands.
  const [{ compile }, vega] = await Promise.all([import('vega-lite'), import('vega')]);
  const { parse, View } = vega;
  // A function of one's own is what Vega has this object for; its types leave it out.
  (vega as unknown as { textMetrics: { width: typeof textWidth } }).textMetrics.width = textWidth;
  const view = new View(parse(compile(spec, { config: configOf(theme) }).spec), { renderer: 'none' });
  try {
    return `${rounded(await view.toSVG())}\n`;
  } finally {
    view.finalize();
  }
}

/** Places and paths to a hundredth of a pixel: a third of the bytes of a plot of many points. Texts are left as they are. */
const rounded = (svg: string) =>
  svg.replace(/ (?:d|transform)="[^"]*"/g, (attribute) =>
    attribute.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2)))),
  );
