import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { stream } from '../../../src/core/random/random.js';
import { openRun } from '../../../src/core/run/index.js';
import { openSpace } from '../../../src/core/space/index.js';
import { mapModel } from '../../../src/report/mapModel.js';
import type { ReportModel } from '../../../src/report/model.js';
import { renderPage } from '../../../src/report/renderPage.js';
import { readRun, reportModel } from '../../../src/report/reportData.js';
import { chromiumPath, closeBrowserAtEnd, openPage } from '../../support/chromium.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

closeBrowserAtEnd();

const space = openSpace('nasbench101');
const rows = 2000;

/** Cells at random places, with accuracies. */
function randomMap() {
  const random = stream(1, 'test', 'page');
  const cells = Uint32Array.from({ length: rows }, () => space.sample(random));
  const test = Float64Array.from(cells, () => 0.8 + 0.15 * random.float());
  const data = {
    ...{
      source: 'Cells at random',
      space: space.name,
      cells,
      width: 16,
      benchmark: 'a test (simulated validation)',
    },
    embeddings: Float32Array.from({ length: rows * 16 }, () => random.normal()),
    accuracies: [{ id: 'test' as const, name: 'test accuracy', values: test }],
    errors: { length: 27, values: Uint8Array.from(cells, () => random.int(3)) },
  };
  return { cells, test, map: mapModel(data) };
}

/** The report in a browser without a network, from a file. `requests` are those that it tried. */
async function open(model: ReportModel, options: BrowserContextOptions = {}) {
  const file = join(temporaryFolder(), 'report.html');
  writeFileSync(file, renderPage(model));
  const { page, problems } = await openPage({
    offline: true,
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  if (model.map) await page.waitForFunction(() => performance.getEntriesByName('map').length > 0);
  return { page, problems, requests };
}

/** Runs of before the log had timings of stages: they get one. */
function golden(...names: string[]): ReportModel {
  const model = reportModel(names.map((name) => readRun(openRun(`test/golden/runs/${name}`))));
  const stage = { stage: 'encode', in: 512, out: 512, dropped: 0, seconds: 2.5, waiting: 0 };
  return { ...model, runs: model.runs.map((run) => ({ ...run, stages: [stage] })) };
}

/** What the map shows. */
const picture = (page: Page): Promise<string> =>
  page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return document.querySelector('canvas')!.toDataURL();
  });

const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

describe.skipIf(!chromiumPath)('the report in Chromium', () => {
  it('opens from a file, asks for nothing, and shows runs, curves, timings and specs', async () => {
    const title = 'a <b>report</b> &amp; </script><script>throw 1</script>';
    const { page, problems, requests } = await open({ ...golden('pretrain-1', 'search-1'), title });
    expect(problems).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('file:'))).toEqual([]);
    expect(await page.locator('h1').textContent()).toBe(title);
    expect(await page.locator('section:visible > h2').allTextContents()).toEqual([
      'Summary',
      'Curves',
      'Stage timings',
      'Spec and reproduction',
    ]);
    expect(await page.locator('figure svg[role=img]').count()).toBe(9);
    expect(await page.getByRole('img', { name: /^Test accuracy of the best cell/ }).count()).toBe(1);
  });

  it('reads its curves by keyboard, and says them in a table', async () => {
    const { page } = await open(golden('search-1'));
    const figure = page.locator('#query-best_test');
    await figure.getByRole('img').focus();
    await page.keyboard.press('Home');
    expect(await figure.locator('.reading').textContent()).toMatch(/^queries 1\d*\.\d\d %$/);
    await page.keyboard.press('End');
    const last = await figure.locator('.reading').textContent();
    await figure.locator('summary').press('Enter');
    const cells = await figure.locator('tbody tr').last().locator('th, td').allTextContents();
    expect(last).toBe(`queries ${cells.join('')}`);
  });

  it('pans, zooms, colours and selects on the map', async () => {
    const { cells, test, map } = randomMap();
    const { page, problems, requests } = await open({ ...golden('search-1'), map });
    const canvas = page.locator('canvas');
    await canvas.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await canvas.boundingBox())!;
    const [middleX, middleY] = [x + width / 2, y + height / 2];
    const pictures = [await picture(page)];

    await page.mouse.move(middleX, middleY);
    await page.mouse.down();
    await page.mouse.move(middleX + 90, middleY + 40, { steps: 4 });
    await page.mouse.up();
    pictures.push(await picture(page));
    expect(await page.locator('.selection h3').count()).toBe(0); // a drag is no click
    await page.mouse.dblclick(middleX, middleY);
    pictures.push(await picture(page));
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByLabel('Colour by').selectOption('depth');
    expect(await page.locator('.colours').textContent()).toMatch(/^Depth.*longest path/);
    pictures.push(await picture(page));
    await page.getByLabel('Colour by').selectOption('loss');
    pictures.push(await picture(page));
    expect(new Set(pictures).size).toBe(pictures.length);

    const id = space.idOf(cells[7]!);
    await page.getByLabel('Find').fill(String(id));
    await page.keyboard.press('Enter');
    const panel = page.getByRole('complementary', { name: 'Selected cell' });
    expect(await panel.locator('h3').textContent()).toBe(`Cell ${id.toLocaleString('en-US')}`);
    expect(await panel.locator('dl').textContent()).toContain(
      `test accuracy${(100 * test[7]!).toFixed(2)} %`,
    );
    expect(await panel.locator('dl').textContent()).toContain(space.hash(cells[7]!));
    const { ops } = space.describe(cells[7]!);
    expect(await panel.locator('svg.cell g.op').count()).toBe(ops.length);

    await page.getByLabel('Colour by').selectOption('distance');
    await page.locator('.progress', { hasNotText: '%' }).waitFor({ state: 'attached' });
    const neighbours = panel.locator('.neighbours button');
    expect(await neighbours.count()).toBe(10);
    const [name, accuracy, edits] = await neighbours.first().locator('span').allTextContents();
    const other = space.cells()[Number(name!.replaceAll(/\D/g, ''))]!;
    expect(edits).toMatch(new RegExp(`^${space.distance(cells[7]!, other)} edits?$`));
    expect(accuracy).toBe(`${(100 * test[cells.indexOf(other)]!).toFixed(2)} %`);
    await neighbours.first().click();
    expect(await panel.locator('h3').textContent()).toBe(name);

    await page.mouse.click(middleX, middleY);
    expect(await panel.locator('h3').textContent()).toMatch(/^Cell/);
    expect(await panel.locator('h3').textContent()).not.toBe(name);

    await page.getByLabel('Find').fill(space.hash(cells[7]!));
    await page.keyboard.press('Enter');
    await panel.locator('h3', { hasText: `Cell ${id.toLocaleString('en-US')}` }).waitFor();
    await page.getByLabel('Find').fill('0'.repeat(32));
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'is none of the cells' }).waitFor();

    await page.getByLabel('Find').fill('conv9x9 | 01');
    await page.keyboard.press('Enter');
    expect(await page.getByRole('alert').textContent()).toMatch(/conv9x9.*known: conv3x3/);
    expect(problems).toEqual([]);
    expect(requests.filter((url) => !/^(file|blob):/.test(url))).toEqual([]);
  });

  it('is used by keyboard alone, and says what it does', async () => {
    const { page, problems } = await open({ ...golden('search-1'), map: randomMap().map });
    const order: string[] = [];
    for (let i = 0; i < 40 && order.at(-1) !== 'CANVAS'; i++) {
      await page.keyboard.press('Tab');
      order.push(await page.evaluate(() => document.activeElement!.id || document.activeElement!.tagName));
    }
    expect(order.slice(-6)).toEqual(['map-colour', 'map-find', 'BUTTON', 'BUTTON', 'BUTTON', 'CANVAS']);
    const pictures = [await picture(page)];
    for (const key of ['ArrowRight', 'ArrowDown', '+', '-', '+', '0']) {
      await page.keyboard.press(key);
      pictures.push(await picture(page));
    }
    expect(new Set(pictures).size).toBe(pictures.length - 3); // − undoes +, + does it again, 0 shows what was seen first
    const spoken = page.locator('#map [aria-live=polite].unseen');
    await page.keyboard.press('Enter');
    expect(await spoken.textContent()).toMatch(/^Cell [\d,]+, test accuracy \d\d\.\d\d % selected$/);
    await page.keyboard.press('Escape');
    expect(await spoken.textContent()).toBe('');
    const unnamed = await page
      .locator('button, select, input, canvas, [role=img], nav, section')
      .evaluateAll((elements) =>
        elements
          .filter((element) => {
            const label = element.getAttribute('aria-label') || element.textContent?.trim();
            const by = element.getAttribute('aria-labelledby');
            return (
              !label &&
              !document.querySelector(`label[for="${element.id}"]`) &&
              !(by && document.getElementById(by))
            );
          })
          .map((element) => element.outerHTML.slice(0, 80)),
      );
    expect(unnamed).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('is light or dark as the system is, and as its switch says; text stands out in both', async () => {
    const { page } = await open({ ...golden('search-1'), map: randomMap().map }, { colorScheme: 'dark' });
    const dark = await background(page);
    const darkPicture = await picture(page);
    expect(await contrasts(page)).toEqual([]);
    await page.getByRole('button', { name: 'Switch to light colours' }).click();
    expect(await background(page)).not.toBe(dark);
    expect(await picture(page)).not.toBe(darkPicture);
    expect(await contrasts(page)).toEqual([]);
    await page.getByRole('button', { name: 'Switch to dark colours' }).click();
    expect(await background(page)).toBe(dark);
    expect(await picture(page)).toBe(darkPicture);
  });

  it('fits a telephone', async () => {
    const { page } = await open(
      { ...golden('pretrain-1', 'search-1'), map: randomMap().map },
      { viewport: { width: 390, height: 844 }, hasTouch: true },
    );
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.locator('canvas').tap();
    expect(await page.locator('.selection h3').textContent()).toMatch(/^Cell/);
  });

  it('shows newer models in place of the one before', async () => {
    const model = golden('search-1');
    const { map } = randomMap();
    const { page, problems } = await open({ ...model, map });
    await page.locator('#query-best_test summary').click();
    await page.getByLabel('Find').fill(String(space.idOf(randomMap().cells[3]!)));
    await page.keyboard.press('Enter');
    const selected = await page.locator('.selection h3').textContent();
    const [run] = model.runs;
    const newer = {
      ...model,
      title: 'newer',
      map: { ...map, source: 'newer embeddings' },
      runs: [{ ...run!, state: 'running', warnings: [{ code: 'collapse', message: 'flat', step: 12 }] }],
    };
    await page.evaluate((model) => {
      const { rxnasReport } = window as unknown as { rxnasReport: { update(model: unknown): void } };
      rxnasReport.update(model);
    }, newer);
    await page.getByText('newer embeddings').waitFor();
    expect(await page.locator('h1').textContent()).toBe('newer');
    expect(await page.locator('.warning:visible').textContent()).toBe('collapse at step 12 flat');
    expect(await page.locator('#query-best_test details').getAttribute('open')).toBe('');
    expect(await page.locator('.selection h3').textContent()).toBe(selected);
    expect(problems).toEqual([]);
  });
});

/** Texts that do not stand out from their ground by 4.5 (WCAG 2, AA). */
const contrasts = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    const rgba = (colour: string) => {
      paint.clearRect(0, 0, 1, 1);
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      return [...paint.getImageData(0, 0, 1, 1).data] as [number, number, number, number];
    };
    const luminance = ([r, g, b]: number[]) =>
      [r!, g!, b!].reduce((sum, channel, i) => {
        const c = channel / 255;
        return sum + [0.2126, 0.7152, 0.0722][i]! * (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      }, 0);
    const ground = (element: Element | null): number[] => {
      if (!element) return [255, 255, 255];
      const colour = rgba(getComputedStyle(element).backgroundColor);
      return colour[3] === 255 ? colour : ground(element.parentElement);
    };
    return [...document.querySelectorAll('body *')].flatMap((element) => {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent!.trim());
      if (!own || element.closest('script, style, svg.cell') || !(element as HTMLElement).checkVisibility())
        return [];
      const style = getComputedStyle(element);
      const text = luminance(rgba(element instanceof SVGElement ? style.fill : style.color));
      const back = luminance(ground(element));
      const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
      return ratio < 4.5 ? [`${ratio.toFixed(2)}: ${element.textContent!.slice(0, 40)}`] : [];
    });
  });
