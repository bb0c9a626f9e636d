import { readFileSync } from 'node:fs';
import { failure } from '../core/errors.js';
import { besideModule } from '../core/workers.js';
import type { ReportModel } from './model.js';

export interface PageOptions {
  /**
   * Of a page that is served (`rxnas watch`): path of its stream of newer sections of the model, see `live/server.ts`, and the nonce of its
   * script. Absent: the page stays as it is, and asks for nothing.
   */
  live?: { events: string; nonce: string };
}

/**
 * The report as one HTML file: style, script and data stand in it, and its policy forbids the browser every request (but those of a
 * `live` page to its server).
 * The script shows the model, see `page/main.ts`; the map, which is nearly all of the file, stands behind it, so that the rest is seen at once.
 */
export function renderPage({ map, ...model }: ReportModel, { live }: PageOptions = {}): string {
  const policy = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    "script-src 'unsafe-inline' 'wasm-unsafe-eval'",
    'worker-src blob:',
    'img-src data:',
    ...(live ? ["connect-src 'self'"] : []),
  ].join('; ');
  return `<!doctype html>
<html lang="en"${live ? ` data-live="${escapeHtml(live.events)}"` : ''}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(model.title)} – rxnas</title>
<style>${built('style.css')}</style>
</head>
<body>
<main id="report"><noscript>This report is drawn by its script: allow JavaScript for this file.</noscript></main>
<script type="application/json" id="model-data">${inScript(JSON.stringify(model))}</script>
<script${live ? ` nonce="${live.nonce}"` : ''}>${inScript(built('page.js'))}</script>
${map ? `<script type="application/json" id="map-data">${inScript(JSON.stringify(map))}</script>` : ''}
</body>
</html>
`;
}

/** A file that the build has made for the page. */
function built(name: string): string {
  const file = besideModule(import.meta.url, `./page/${name}`);
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw failure(`the page's ${name} is not built`, 'run `npm run build`', { cause });
  }
}

const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Text that cannot end the script element it stands in: in JSON and in strings of a script, `\u003c` is `<`. */
const inScript = (text: string) => text.replaceAll(/<(?=\/script|!--|script)/gi, '\\u003c');
