import type { MapModel, ReportModel } from '../model.js';
import { serveDistances } from './map/distances.js';
import { buildPage } from './page.js';

/*
 * Shows the model that stands in the page. Newer ones are shown by `window.rxnasReport.update(model)`. The same script runs in the page's workers,
 * which have no document.
 */
if (typeof document === 'undefined') serveDistances();
else showPage(document.currentScript!.textContent!);

function showPage(script: string): void {
  const read = <T>(id: string): T | undefined => {
    const element = document.getElementById(id);
    return element ? (JSON.parse(element.textContent!) as T) : undefined;
  };
  const update = buildPage(document.getElementById('report')!, script);
  const model = read<ReportModel>('model-data')!;
  update(model);
  // The map stands behind this script, and takes longer to read.
  addEventListener('DOMContentLoaded', () => {
    const map = read<MapModel>('map-data');
    if (map) update({ ...model, map });
  });
  Object.assign(window, { rxnasReport: { update } });
}
