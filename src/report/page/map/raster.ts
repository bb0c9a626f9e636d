import type { Palette } from './colours.js';

/** What part of the map is seen: pixels a unit, and the place of the map's origin. Units are those of the layout's columns. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export interface Points {
  x: Uint16Array;
  y: Uint16Array;
  colours: Uint8Array;
  blend: 'mean' | 'least';
}

/** A picture in memory, e.g. an `ImageData`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha of each pixel, row by row. */
  readonly data: Uint8ClampedArray;
}

/** Pixels that may be written in one picture before points are drawn smaller. */
const mostWritten = 1_500_000;
const largestRadius = 5;

/**
 * Draws points by counting them in pixels: each pixel has the mean (or the least) colour of its points, the more opaque the more they are.
 * In plain arrays this takes some milliseconds for half a million points, with or without a graphics card, and shows what lies in the dark
 * of points on top of each other.
 */
export class Raster {
  #sums = new Uint32Array(0);
  #counts = new Uint32Array(0);
  /** Points that were in the last picture. */
  visible = 0;

  /** @param image is written all over @param ratio its pixels to one of the page */
  draw(image: Picture, points: Points, palette: Palette, view: View, ratio: number): void {
    const { width, height } = image;
    if (this.#sums.length !== width * height) {
      this.#sums = new Uint32Array(width * height);
      this.#counts = new Uint32Array(width * height);
    } else {
      this.#counts.fill(0);
    }
    const least = points.blend === 'least';
    this.#sums.fill(least ? 255 : 0);
    const radius = this.#radius(points, view, width, height, ratio);
    if (radius < 1) this.#dots(points, view, width, height, least);
    else this.#discs(points, view, width, height, least, radius);
    this.#shade(
      new Uint32Array(image.data.buffer),
      palette,
      least,
      opacities(this.visible / (width * height), radius),
    );
  }

  /** As large as the points that are seen leave room for. */
  #radius(
    { x, y }: Points,
    { scale, x: left, y: top }: View,
    width: number,
    height: number,
    ratio: number,
  ): number {
    let visible = 0;
    for (let i = 0; i < x.length; i++) {
      const px = x[i]! * scale + left;
      const py = y[i]! * scale + top;
      if (px >= 0 && py >= 0 && px < width && py < height) visible++;
    }
    this.visible = visible;
    const share = (0.05 * width * height) / Math.max(1, visible);
    return Math.min(
      largestRadius * ratio,
      Math.sqrt(Math.min(share, mostWritten / Math.max(1, visible)) / Math.PI),
    );
  }

  #dots(
    { x, y, colours }: Points,
    { scale, x: left, y: top }: View,
    width: number,
    height: number,
    least: boolean,
  ): void {
    const sums = this.#sums;
    const counts = this.#counts;
    for (let i = 0; i < x.length; i++) {
      const px = (x[i]! * scale + left) | 0;
      const py = (y[i]! * scale + top) | 0;
      if (px <= 0 || py <= 0 || px >= width || py >= height) continue;
      const at = py * width + px;
      const colour = colours[i]!;
      if (least) {
        if (colour < sums[at]!) sums[at] = colour;
        counts[at]!++;
      } else if (colour !== 255) {
        sums[at] = counts[at] === 0 ? colour : sums[at]! + colour;
        counts[at]!++;
      } else if (counts[at] === 0) {
        sums[at] = unknownFlag;
      }
    }
  }

  #discs(
    { x, y, colours }: Points,
    { scale, x: left, y: top }: View,
    width: number,
    height: number,
    least: boolean,
    radius: number,
  ): void {
    const sums = this.#sums;
    const counts = this.#counts;
    const reach = Math.ceil(radius);
    const spans = Array.from({ length: 2 * reach + 1 }, (_, row) =>
      Math.floor(Math.sqrt(Math.max(0, radius * radius - (row - reach) ** 2))),
    );
    for (let i = 0; i < x.length; i++) {
      const px = (x[i]! * scale + left) | 0;
      const py = (y[i]! * scale + top) | 0;
      if (px < -reach || py < -reach || px >= width + reach || py >= height + reach) continue;
      const colour = colours[i]!;
      for (let row = 0; row < spans.length; row++) {
        const line = py + row - reach;
        if (line < 0 || line >= height || Math.abs(row - reach) > radius) continue;
        const from = Math.max(0, px - spans[row]!);
        const to = Math.min(width - 1, px + spans[row]!);
        for (let at = line * width + from; at <= line * width + to; at++) {
          if (least) {
            if (colour < sums[at]!) sums[at] = colour;
            counts[at]!++;
          } else if (colour !== 255) {
            sums[at] = counts[at] === 0 ? colour : sums[at]! + colour;
            counts[at]!++;
          } else if (counts[at] === 0) {
            sums[at] = unknownFlag;
          }
        }
      }
    }
  }

  #shade(pixels: Uint32Array, palette: Palette, least: boolean, opacity: Uint8Array): void {
    const sums = this.#sums;
    const counts = this.#counts;
    for (let at = 0; at < pixels.length; at++) {
      const count = counts[at]!;
      if (count === 0) {
        pixels[at] = !least && sums[at] === unknownFlag ? palette[255]! | (opacity[1]! << 24) : 0;
        continue;
      }
      const colour = least ? sums[at]! : (sums[at]! / count) | 0;
      pixels[at] = palette[colour]! | (opacity[Math.min(count, opacity.length - 1)]! << 24);
    }
  }
}

/** In a pixel without a count: points whose value is not known were there. Never a sum. */
const unknownFlag = 0xffff_ffff;

/**
 * Alpha (0…255) by the number of points in a pixel: one is well seen, a disc better, and where most pixels have many, differences still show.
 */
function opacities(density: number, radius: number): Uint8Array {
  const full = Math.max(4, Math.min(63, 12 * density));
  const one = radius < 1 ? 0.55 : 0.8;
  return Uint8Array.from({ length: 64 }, (_, count) =>
    Math.round(
      255 * Math.min(1, one + ((1 - one) * Math.log1p(Math.max(0, count - 1))) / Math.log1p(full - 1)),
    ),
  );
}
