import { closest, distance } from 'fastest-levenshtein';
import { usageError } from './errors.js';

/** The known name nearest to `given`, or undefined where none is near enough to be what was meant. */
export function suggest(given: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const lower = given.toLowerCase();
  const best = closest(
    lower,
    known.map((name) => name.toLowerCase()),
  );
  const match = known.find((name) => name.toLowerCase() === best)!;
  return distance(lower, best) <= Math.max(2, Math.floor(match.length / 3)) ? match : undefined;
}

/** The usage error (exit code 2) for a name that is not in a registry, with "did you mean". */
export function unknownName(kind: string, given: string, known: readonly string[]) {
  const near = suggest(given, known);
  return usageError(
    `unknown ${kind} '${given}'`,
    near ? `did you mean '${near}'? Known: ${known.join(', ')}` : `known: ${known.join(', ')}`,
  );
}
