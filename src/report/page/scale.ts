/** An axis: from values to pixels, with round values to label. */
export interface Scale {
  (value: number): number;
  invert(pixel: number): number;
  ticks: { value: number; step: number }[];
}

/** @param domain smallest and largest value @param range their pixels */
export function linear([low, high]: [number, number], [from, to]: [number, number], count: number): Scale {
  const span = high - low || 1;
  const step = roundStep(span / count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Object.assign((value: number) => from + ((value - low) / span) * (to - from), {
    invert: (pixel: number) => low + ((pixel - from) / (to - from)) * span,
    ticks: Array.from({ length: last - first + 1 }, (_, i) => ({ value: (first + i) * step, step })),
  });
}

/** The same for powers of ten; values have to be positive. */
export function logarithmic([low, high]: [number, number], range: [number, number], count: number): Scale {
  const inner = linear([Math.log10(low), Math.log10(high)], range, count);
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / count));
  const decades = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter(
    (_, i) => i % every === 0,
  );
  return Object.assign((value: number) => inner(Math.log10(value)), {
    invert: (pixel: number) => 10 ** inner.invert(pixel),
    ticks: decades.map((power) => ({ value: 10 ** power, step: 10 ** power })),
  });
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10);
}
