import type { Unit } from '../model.js';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const significant = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });

/** A number for people; `–` for none. */
export function format(value: number | null | undefined, unit: Unit = 'number'): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (unit === 'fraction') return `${(100 * value).toFixed(2)} %`;
  if (unit === 'count') return whole.format(value);
  const size = Math.abs(value);
  return value !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : significant.format(value);
}

/** Seconds for people. */
export const seconds = (value: number) =>
  value >= 100 ? `${whole.format(value)} s` : `${value.toPrecision(3)} s`;

/** A label of an axis with as many digits as its neighbours need. */
export function tickLabel(value: number, step: number, unit: Unit): string {
  const scaled = unit === 'fraction' ? 100 * value : value;
  const size = unit === 'fraction' ? 100 * step : step;
  const digits = Math.max(0, Math.ceil(-Math.log10(size) - 1e-9));
  const text =
    Math.abs(scaled) >= 1e5 && unit !== 'fraction'
      ? `${significant.format(scaled / 1e3)}k`
      : digits > 4
        ? scaled.toExponential(0)
        : new Intl.NumberFormat('en-US', {
            minimumFractionDigits: digits,
            maximumFractionDigits: digits,
          }).format(scaled);
  return unit === 'fraction' ? `${text} %` : text;
}

/** Mean ± standard deviation; in points where they are percentages. */
export function spread(mean: number | null, deviation: number | null, scale: number, digits: number): string {
  if (mean === null) return '–';
  const own = (scale * mean).toFixed(digits);
  return deviation === null ? own : `${own} ± ${(scale * deviation).toFixed(digits)}`;
}

/** With its sign. */
export const signed = (value: number, digits: number): string =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;

/** A probability. */
export const probability = (p: number | null): string =>
  p === null ? '–' : p < 0.0001 ? '< 0.0001' : p.toFixed(4);
