import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { chromiumPath, closeBrowserAtEnd, openPage } from '../support/chromium.js';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

closeBrowserAtEnd();
// Three programs are started, a dozen seconds of work where the machine is busy.
vi.setConfig({ testTimeout: 180_000 });

/** Steps that last long enough to be seen; a checkpoint, and with it a newer map, every 50. */
const pretraining =
  '--space nasbench201 --batch 64 --engine simd --threads 1 --embed 0 --checkpoint-every 50';

/** Watches a run in a process of its own, from before it is there; gives the page's address when it is. */
function watch(dir: string): { process: ChildProcess; url: Promise<string>; ended: Promise<unknown> } {
  let process: ChildProcess | undefined;
  const url = new Promise<string>((resolve) => {
    void rxnas(['watch', dir, '--wait', '--json', '--cells', '400'], (child) => {
      process = child;
      child.stdout!.once('data', (line) => resolve(JSON.parse(line).url));
    });
  });
  onTestFinished(() => void process!.kill('SIGKILL'));
  return { process: process!, url, ended: once(process!, 'exit') };
}

/** Steps up to which the curve of the loss goes, as a screen reader hears it. */
const stepsShown = async (page: Page) => {
  const label = await page.locator('#step-total svg').getAttribute('aria-label');
  return Number(/ at ([\d,]+)\. /.exec(label!.replace(/^.*?to /, ''))?.[1]?.replaceAll(',', ''));
};

const eventually = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 40_000 });
const status = (page: Page) => page.locator('.live [role=status]');
const mapSource = (page: Page) => page.locator('#map .muted').first().textContent();
const picture = (page: Page) =>
  page
    .locator('#map canvas')
    .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());

describe.skipIf(!chromiumPath)('a watched run in Chromium', () => {
  it('grows its curves, moves its map and says that it has ended', async () => {
    const dir = join(temporaryFolder(), 'run');
    const watching = watch(dir);
    const pretrain = rxnas([
      'pretrain',
      ...pretraining.split(' '),
      '--steps',
      '1500',
      '--out',
      dir,
      '--quiet',
    ]);
    const { page, problems } = await openPage();
    await page.goto(await watching.url);

    await eventually(() => status(page).textContent()).toBe('running');
    const chart = page.locator('#step-total svg').first();
    await chart.focus();
    await page.keyboard.press('Home');
    const reading = await page.locator('#step-total .reading').textContent();
    expect(reading).toMatch(/^step \d/);
    const first = await stepsShown(page);
    await eventually(() => stepsShown(page)).toBeGreaterThan(first);
    // Who reads the chart is not disturbed.
    expect(await chart.evaluate((svg) => svg === svg.ownerDocument.activeElement)).toBe(true);
    expect(await page.locator('#step-total .reading').textContent()).toMatch(/^step \d/);
    expect(await page.locator('.live .amount').textContent()).toMatch(/^[\d,]+ of 1,500 steps · /);

    await page.locator('#map canvas').waitFor();
    const [source, before] = [await mapSource(page), await picture(page)];
    await eventually(() => mapSource(page)).not.toBe(source);
    await page.waitForTimeout(1000); // the cells are on their way
    expect(await picture(page)).not.toBe(before);

    expect((await pretrain).code).toBe(0);
    await eventually(() => status(page).textContent()).toBe('done');
    expect(await page.locator('#summary .state').textContent()).toBe('done');
    await eventually(() => stepsShown(page)).toBe(1500);
    await eventually(() => mapSource(page)).toContain('after 1,500 steps');
    expect(problems).toEqual([]);

    watching.process.kill('SIGINT');
    expect(await watching.ended).toEqual([0, null]);
    await eventually(() => status(page).textContent()).toBe('connection lost, trying again');
  });
});
