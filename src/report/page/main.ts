import type { MapModel, ReportModel } from '../model.js';
import { follow } from './live.js';
import { serveDistances } from './map/distances.js';
import { buildPage } from './page.js';

/*
 * Shows the model that stands in the page. Newer ones are shown by `window.rxnasReport.update(model)`; a page that is served (`rxnas watch`) gets them from its server. The same script runs in the page's workers,
 * which have no document.
 */
if (typeof document === 'undefined') serveDistances();
else showPage(document.currentScript!.textContent!);

function showPage(script: string): void {
  const read = <T>(id: string): T | undefined => {
    const element = document.getElementById(id);
    return element ? (JSON.parse(element.textContent!) as T) : undefined;
  };
  const root = document.getElementById('report')!;
  const update = buildPage(root, script);
  const model = read<ReportModel>('model-data')!;
  update(model);
  // The map stands behind this script, and takes longer to read.
  addEventListener('DOMContentLoaded', () => {
    const map = read<MapModel>('map-data');
    const whole = map ? { ...model, map } : model;
    update(whole);
    const { live } = document.documentElement.dataset;
    if (live) root.querySelector('header')!.after(follow(live, whole, update));
  });
  Object.assign(window, { rxnasReport: { update } });
}
