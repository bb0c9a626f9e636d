import type { Config } from 'vega-lite';
import { unknownName } from '../core/suggest.js';

/** Colours of a plot. */
export interface Theme {
  background: string;
  /** Text, and lines that matter most. */
  ink: string;
  /** Axes, and what is there for comparison. */
  muted: string;
  grid: string;
  /** Of series, in order: told apart with any colour vision (Okabe and Ito, 2008; lightened on dark). */
  series: readonly string[];
}

export const themes = {
  light: {
    background: '#ffffff',
    ink: '#1f2328',
    muted: '#6b7280',
    grid: '#e6e6e6',
    series: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'],
  },
  dark: {
    background: '#16181d',
    ink: '#e6e6e6',
    muted: '#9aa3ad',
    grid: '#30343b',
    series: ['#4fb3e8', '#ff8a4c', '#2ec79b', '#e59ac6', '#f3bd48', '#a5d8f7', '#ffffff'],
  },
} as const satisfies Record<string, Theme>;

export type ThemeName = keyof typeof themes;
export const themeNames = Object.keys(themes) as ThemeName[];

/** A theme by its name; a usage error with "did you mean" for others. */
export function themeOf(name: string): Theme {
  if (!Object.hasOwn(themes, name)) throw unknownName('theme', name, themeNames);
  return themes[name as ThemeName];
}

/** How all plots look. DejaVu Sans is what PNG files are drawn with; where it is missing, a browser takes the next. */
export const configOf = ({ background, ink, muted, grid, series }: Theme): Config => ({
  background,
  padding: 12,
  font: 'Helvetica, Arial, "DejaVu Sans", sans-serif',
  title: {
    color: ink,
    subtitleColor: muted,
    fontSize: 14,
    subtitleFontSize: 11,
    subtitleLineHeight: 15,
    anchor: 'start',
    offset: 14,
  },
  axis: {
    titleFontWeight: 'normal',
    titleColor: ink,
    labelColor: ink,
    labelFontSize: 11,
    titleFontSize: 12,
    titlePadding: 8,
    grid: true,
    gridColor: grid,
    domainColor: muted,
    tickColor: muted,
  },
  header: { labelColor: ink, titleColor: ink, labelFontSize: 12 },
  legend: {
    labelColor: ink,
    titleColor: ink,
    orient: 'bottom',
    direction: 'horizontal',
    columns: 3,
    labelLimit: 400,
    labelFontSize: 11,
    symbolStrokeWidth: 2.5,
    symbolSize: 90,
  },
  // Figures say in words what they show; a label on every point would be most of a file.
  mark: { aria: false },
  range: { category: [...series] },
  view: { stroke: null },
});
