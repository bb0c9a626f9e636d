import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { nasbench101Controller } from '../src/core/controller/config.js';
import { initialWeights } from '../src/core/controller/weights.js';
import { openEngine } from '../src/core/engine/index.js';
import { stream } from '../src/core/random/random.js';
import { openSpace } from '../src/core/space/index.js';
import { tokensOfCells } from '../src/core/space/space.js';
import { mapModel } from '../src/report/mapModel.js';
import { renderPage } from '../src/report/renderPage.js';

/** Milliseconds from opening the file, and pictures a second. */
export interface ReportFigures {
  bytes: number;
  firstPaintMs: number;
  mapMs: number;
  panFrames: number;
  panLongestMs: number;
  zoomedFrames: number;
  distancesMs: number;
}

const executablePath = [process.env.RXNAS_CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
);

/** The report's map of all 423,624 cells in Chromium without a graphics card. Needs a Chromium (`RXNAS_CHROMIUM`). */
export async function reportInBrowser(): Promise<ReportFigures> {
  if (!executablePath) throw new Error('there is no Chromium: name one with RXNAS_CHROMIUM');
  const folder = mkdtempSync(join(tmpdir(), 'rxnas-bench-'));
  const file = join(folder, 'report.html');
  writeFileSync(file, await page());
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    // What is asked of the page here is given as text, which its own policy would not let run.
    const opened = await browser.newPage({
      viewport: { width: 1280, height: 900 },
      ...{ offline: true, bypassCSP: true },
    });
    await opened.goto(pathToFileURL(file).href);
    await opened.waitForFunction('performance.getEntriesByName("map").length > 0');
    const [firstPaintMs, mapMs] = (await opened.evaluate(
      '[performance.getEntriesByName("first-contentful-paint")[0].startTime, performance.getEntriesByName("map")[0].startTime]',
    )) as [number, number];
    const all = await panned(opened);
    await opened.locator('canvas').focus();
    for (let i = 0; i < 4; i++) await opened.keyboard.press('+');
    const zoomed = await panned(opened);
    await opened.locator('canvas').focus();
    await opened.keyboard.press('Enter');
    const started = performance.now();
    await opened.waitForFunction('document.querySelector(".progress").textContent.includes("%")');
    await opened.waitForFunction('document.querySelector(".progress").textContent === ""', undefined, {
      timeout: 300_000,
    });
    return {
      bytes: statSync(file).size,
      ...{ firstPaintMs, mapMs },
      ...{ panFrames: all.frames, panLongestMs: all.longestMs, zoomedFrames: zoomed.frames },
      distancesMs: performance.now() - started,
    };
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

/** All cells, embedded by a controller before its training, with accuracies by chance. */
async function page(): Promise<string> {
  const space = openSpace('nasbench101');
  const cells = space.cells();
  const { dim } = nasbench101Controller;
  const embeddings = new Float32Array(cells.length * dim);
  const engine = await openEngine('simd');
  const controller = await engine.controller(nasbench101Controller, initialWeights(nasbench101Controller, 1));
  for (let at = 0; at < cells.length; at += 4096) {
    embeddings.set(await controller.embed(tokensOfCells(space, cells.subarray(at, at + 4096))), at * dim);
  }
  controller.dispose();
  await engine.dispose();
  const random = stream(1, 'bench', 'report');
  const accuracies = (['test', 'validation'] as const).map((id) => ({
    ...{ id, name: `${id} accuracy` },
    values: Float64Array.from(cells, () => random.float()),
  }));
  const errors = { length: space.sequenceLength, values: new Uint8Array(cells.length) };
  const map = mapModel({
    source: 'All cells',
    space: space.name,
    cells,
    embeddings,
    width: dim,
    accuracies,
    errors,
  });
  const made = new Date().toISOString();
  return renderPage({
    ...{ title: 'bench', made, version: '0' },
    runs: [],
    panels: [],
    comparisons: [],
    map,
  });
}

/** Drags the map for three seconds: pictures a second, and the longest time between two. */
async function panned(page: Page): Promise<{ frames: number; longestMs: number }> {
  const canvas = page.locator('canvas');
  await canvas.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await canvas.boundingBox())!;
  const at = (i: number) =>
    [x + width / 2 + 200 * Math.sin(i / 12), y + height / 2 + 120 * Math.cos(i / 15)] as const;
  await page.mouse.move(...at(0));
  await page.mouse.down();
  await page.evaluate(
    `{ let last = performance.now(); window.gaps = []; window.counting = true;
       const next = (now) => { gaps.push(now - last); last = now; if (counting) requestAnimationFrame(next); };
       requestAnimationFrame(next); }`,
  );
  const started = performance.now();
  for (let i = 1; performance.now() - started < 3000; i++) await page.mouse.move(...at(i));
  const gaps = (await page.evaluate('counting = false, gaps')) as number[];
  await page.mouse.up();
  return {
    frames: (1000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0),
    longestMs: Math.max(...gaps),
  };
}
