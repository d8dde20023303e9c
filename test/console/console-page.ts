/** The console in a Chromium, as a person has it before them; what it must never do is written down as it happens. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'puppeteer-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const PATIENCE_MS = 60_000;

export interface PageOptions {
  readonly origin: string;
  readonly width?: number;
  readonly colours?: 'light' | 'dark';
}

export class ConsolePage {
  readonly page: Page;
  /** Errors on the console, violations of the policy among them; exceptions; requests to anything but the host. */
  readonly faults: string[] = [];
  readonly #context: BrowserContext;
  readonly #origin: string;

  private constructor(context: BrowserContext, page: Page, origin: string) {
    this.#context = context;
    this.#origin = origin;
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warn') this.faults.push(message.text());
    });
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) this.faults.push(`asked for ${request.url()}`);
    });
  }

  static async open(browser: Browser, { origin, width = 1_440, colours = 'light' }: PageOptions) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    const made = new ConsolePage(context, page, origin);
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value: colours },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ]);
    await page.goto(`${origin}/console/`);
    await page.waitForSelector('form.sign-in');
    return made;
  }

  async signIn(key: string): Promise<void> {
    // The cursor is in the field of the key.
    await this.page.keyboard.type(key);
    await this.page.keyboard.press('Enter');
  }

  /** Goes to a view, and waits until its heading says so. */
  async go(hash: string, heading: string): Promise<void> {
    await this.page.evaluate((to) => location.assign(to), `${this.#origin}/console/${hash}`);
    await this.untilText('h1', heading);
  }

  /** Waits until an element that matches has this text in it. */
  async untilText(selector: string, text: string): Promise<void> {
    await this.page.waitForFunction(
      (matches: string, wanted: string) =>
        [...document.querySelectorAll(matches)].some((node) => node.textContent?.includes(wanted)),
      { polling: 'mutation', timeout: PATIENCE_MS },
      selector,
      text,
    );
  }

  text(selector = 'body'): Promise<string> {
    return this.page.$eval(selector, (node) => node.textContent ?? '');
  }

  /** Clicks the button with this accessible name, once it is there. */
  press(name: string): Promise<void> {
    return this.click(`aria/${name}[role="button"]`);
  }

  /** Clicks the button that says this. */
  pressText(text: string): Promise<void> {
    return this.click(`::-p-xpath(//button[normalize-space()=${JSON.stringify(text)}])`);
  }

  async click(selector: string): Promise<void> {
    await this.settled();
    await this.page.locator(selector).setTimeout(PATIENCE_MS).click();
  }

  /** Waits until nothing is being loaded: an answer that arrives moves what is below it away from under the pointer. */
  async settled(): Promise<void> {
    await this.page.waitForFunction(
      () => [...document.querySelectorAll('.waiting')].every((node) => !node.checkVisibility()),
      { polling: 'mutation', timeout: PATIENCE_MS },
    );
  }

  /** Presses Tab until what has the focus has this name; fails after as many stops as no page has. */
  async tabTo(name: string): Promise<void> {
    const passed: string[] = [];
    for (let stops = 0; stops < 150; stops++) {
      await this.page.keyboard.press('Tab');
      const focused = await this.focused();
      if (focused === name) return;
      passed.push(focused);
    }
    throw new Error(`Tab never reaches '${name}', but ${[...new Set(passed)].join(', ')}`);
  }

  /** The accessible name of what has the focus, as Chromium computes it. */
  async focused(): Promise<string> {
    const handle = await this.page.evaluateHandle(() => document.activeElement ?? document.body);
    const node = await this.page.accessibility.snapshot({ root: handle as never, interestingOnly: false });
    await handle.dispose();
    return node?.name ?? '';
  }

  /** What axe-core finds wrong with the view, in a world of its own: the page's policy is for the page. */
  async violations(): Promise<string[]> {
    const session = await this.page.createCDPSession();
    const { frameTree } = await session.send('Page.getFrameTree');
    const { executionContextId } = await session.send('Page.createIsolatedWorld', {
      frameId: frameTree.frame.id,
    });
    const world = { contextId: executionContextId, awaitPromise: true, returnByValue: true };
    await session.send('Runtime.evaluate', { ...world, expression: await readFile(AXE, 'utf8') });
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      ...world,
      expression: `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`,
    });
    await session.detach();
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
    return result.value as string[];
  }

  /** By how much the page is wider than the window. */
  overflowPx(): Promise<number> {
    return this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  }

  close(): Promise<void> {
    return this.#context.close();
  }
}
