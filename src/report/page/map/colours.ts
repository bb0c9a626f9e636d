/** Colours for values 0…254 of the points, as 0xBBGGRR; 255 has none. */
export type Palette = Uint32Array;

/** Ten places of viridis (van der Walt and Smith, 2015): even in lightness, told apart with any colour vision. */
const viridis = [
  '440154',
  '482878',
  '3e4989',
  '31688e',
  '26828e',
  '1f9e89',
  '35b779',
  '6ece58',
  'b5de2b',
  'fde725',
];

/** The part of viridis that stands out from the page. */
const parts = { light: [0, 0.92], dark: [0.14, 1] } as const;
export type Theme = keyof typeof parts;

const restColour = { light: 0xb0a8a0, dark: 0x666058 } as const;

/** A colour of viridis, 0 … 1, as [red, green, blue]. */
function colourAt(theme: Theme, value: number): number[] {
  const [from, to] = parts[theme];
  const place = (from + Math.max(0, Math.min(1, value)) * (to - from)) * (viridis.length - 1);
  const index = Math.min(viridis.length - 2, Math.floor(place));
  const [a, b] = [viridis[index]!, viridis[index + 1]!];
  const channel = (text: string, i: number) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return [0, 1, 2].map((i) => Math.round(channel(a, i) + (place - index) * (channel(b, i) - channel(a, i))));
}

/** How points are coloured, and what the legend says of it. */
export interface Colouring {
  /** A colour for each point, 0…254; 255 = has none (not known, or beyond what is told apart). */
  values: Uint8Array;
  /** Of the points in one pixel: the mean colour, or the least (what is rare must not drown in the rest). */
  blend: 'mean' | 'least';
  legend: Legend;
}

export interface Legend {
  title: string;
  note?: string;
  /** From the last colour to the first: the least values have those that stand out most. */
  reversed?: boolean;
  /** A continuous bar, else a field for each mark. */
  bar: boolean;
  marks: { at: number; label: string }[];
  /** What grey points are. */
  rest?: string;
}

export function palette(theme: Theme, legend: Legend): Palette {
  const colours = Uint32Array.from({ length: 256 }, (_, at) => {
    const [r, g, b] = colourAt(theme, shade(legend, at)) as [number, number, number];
    return r | (g << 8) | (b << 16);
  });
  colours[255] = restColour[theme];
  return colours;
}

/** CSS of a colour. */
export const cssColour = (theme: Theme, legend: Legend, at: number): string =>
  `rgb(${colourAt(theme, shade(legend, at)).join(' ')})`;

/** CSS of the colour of what has none. */
export const cssRest = (theme: Theme): string => {
  const colour = restColour[theme];
  return `rgb(${colour & 255} ${(colour >> 8) & 255} ${colour >> 16})`;
};

const shade = ({ reversed }: Legend, at: number) => (reversed ? 1 - at / 254 : at / 254);
