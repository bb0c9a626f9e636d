import type { Theme } from '../theme.js';

/** What figures are put together from. */

/** Title of a figure; its subtitle is broken into lines. */
export const titled = (text: string, subtitle: string) => ({ text, subtitle: lines(subtitle) });

/** A text in lines of at most `width` characters, broken between words. */
export function lines(text: string, width = 100): string[] {
  const broken: string[] = [];
  for (const word of text.split(' ')) {
    const last = broken.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) broken[broken.length - 1] += ` ${word}`;
    else broken.push(word);
  }
  return broken;
}

const dashes = [
  [1, 0],
  [6, 3],
  [2, 2],
];

/** Colour and dash of named series: the theme's colours in order, dashed when they come round again. One legend for both. */
export function seriesEncoding(names: readonly string[], { series }: Theme) {
  const scale = <T>(of: (index: number) => T) => ({ domain: [...names], range: names.map((_, i) => of(i)) });
  const field = { field: 'name', type: 'nominal' as const, title: null };
  return {
    color: {
      ...field,
      scale: scale((i) => series[i % series.length]!),
      // As the lines are, also where bands of the same colour lie below them.
      legend: { symbolType: 'stroke', symbolOpacity: 1 },
    },
    strokeDash: { ...field, scale: scale((i) => dashes[Math.floor(i / series.length) % dashes.length]!) },
  };
}

/** Edit distances as they stand on an axis: the last one counts all that are larger. */
export const distanceLabel = (distance: number, largest: number) =>
  distance < largest ? String(distance) : `> ${largest - 1}`;

/** The powers of ten between two numbers: ticks of a logarithmic axis without a thicket of lines between them. */
export function powersOfTen(low: number, high: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => 10 ** (first + i));
}

export const thousands = (n: number) => n.toLocaleString('en-US');

/** Names in a sentence. */
export const listed = (names: readonly string[]) =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
