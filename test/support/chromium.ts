import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, onTestFinished } from 'vitest';

/**
 * A Chromium: `RXNAS_CHROMIUM`, else where Linux distributions have it; undefined where there is none. Tests that need it then skip,
 * visibly (`describe.skipIf(!chromiumPath)`).
 */
export const chromiumPath: string | undefined = [
  process.env.RXNAS_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));

let browser: Promise<Browser> | undefined;

/** A page of a browser that the tests of a file share. `problems` gathers what its console and its scripts complain of. */
export async function openPage(
  options: BrowserContextOptions = {},
): Promise<{ page: Page; problems: string[] }> {
  browser ??= chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox'] });
  const context = await (await browser).newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  return { page, problems };
}

/** To be called once in a file that opens pages. */
export function closeBrowserAtEnd(): void {
  afterAll(async () => (await browser)?.close());
}
