import { appendFileSync } from 'node:fs';

/** `RXNAS_FAULTS=full` (`npm run faults`) counts as the promise is stated; the default fits the unit tests. */
export const fullSize = process.env.RXNAS_FAULTS === 'full';

/** Prints what was counted for one of the figures of docs/runs.md. */
export function figure(number: number, counted: string): void {
  const line = `figure ${number}: ${counted}`;
  console.log(line);
  if (process.env.RXNAS_FAULTS_REPORT) appendFileSync(process.env.RXNAS_FAULTS_REPORT, `${line}\n`);
}
