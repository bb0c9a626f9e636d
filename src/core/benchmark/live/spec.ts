import { usageError } from '../../errors.js';
import { nasbench101 } from '../../space/nasbench101.js';
import { defineBenchmark } from '../benchmark.js';
import { imageSetForms } from './images/sources.js';
import { openLive } from './liveBenchmark.js';
import { liveParams } from './settings.js';

export const live = defineBenchmark({
  name: 'live',
  summary: 'NAS-Bench-101 cells of any size, trained when they are looked up',
  source: 'docs/live-training.md',
  space: nasbench101,
  cells: nasbench101.size,
  params: liveParams,
  trains: true,
  stability: 'beta',
  example: 'live: { data: mnist, epochs: 5 }',
  forms: imageSetForms,
  parse: parseLive,
  create: openLive,
});

/**
 * The parameters that `mnist,epochs=5,cache=FOLDER` stands for: the data set, then parameters by name, numbers as numbers. Everything from
 * the first `,name=` on is parameters, so that folders may hold commas. Throws exit code 2 where one is given twice.
 */
function parseLive(text: string): Record<string, string | number> {
  const start = text.search(/,[A-Za-z]+=/);
  const [data, rest] = start < 0 ? [text, ''] : [text.slice(0, start), text.slice(start + 1)];
  const params: Record<string, string | number> = { data };
  for (const pair of rest === '' ? [] : rest.split(/,(?=[A-Za-z]+=)/)) {
    const [name = '', value = ''] = pair.split(/=(.*)/s);
    if (Object.hasOwn(params, name)) throw usageError(`live:${text}: ${name} is given twice`, 'give it once');
    const number = Number(value);
    params[name] = value.trim() === '' || Number.isNaN(number) ? value : number;
  }
  return params;
}
