import { readFileSync } from 'node:fs';
import { failure } from '../core/errors.js';
import { besideModule } from '../core/workers.js';
import type { ReportModel } from './model.js';

/**
 * The report as one HTML file: style, script and data stand in it, and its policy forbids the browser every request.
 * The script shows the model, see `page/main.ts`; the map, which is nearly all of the file, stands behind it, so that the rest is seen at once.
 */
export function renderPage({ map, ...model }: ReportModel): string {
  const policy = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    "script-src 'unsafe-inline' 'wasm-unsafe-eval'",
    'worker-src blob:',
    'img-src data:',
  ].join('; ');
  return `<!doctype html>
<html lang="en">
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
<script>${inScript(built('page.js'))}</script>
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
