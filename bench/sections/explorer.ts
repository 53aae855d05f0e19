import { type Browser, chromium, type Page } from 'playwright-core';
import { createBatchEngine } from '../../batches/engine.ts';
import { createLogger } from '../../shared/log.ts';
import { connectRedis, whenConnected } from '../../shared/redis.ts';
import { findChromium } from '../../testing/chromium.ts';
import { photoNames, startImageHost } from '../../testing/images/host.ts';
import { startProcess } from '../../testing/processes/service.ts';
import { readable } from '../../testing/readable.ts';
import { startRedis } from '../../testing/redis/single.ts';
import { median } from '../../testing/statistics.ts';
import { type Figure, figure, most } from '../figures.ts';
import { storeBatch } from '../stored-batch.ts';

const pixels = { width: 1440, height: 900 };
const box = `document.querySelector('.explorer-box')`;
/** The number of jumps of the scroll bar, and the number of steps of a drag from one end to the other. */
const jumps = 12;
const dragSteps = 60;

/**
 * Measures the list of a long batch's pairs on the page in a real browser: the time to the first rows, gaps while it
 * scrolls, and memory. Also measures a comparison of two such batches.
 */
export async function benchExplorer(items: number, rounds: number, say: (line: string) => void): Promise<Figure[]> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    say('explorer: skipped, since there is no Chromium on the PATH');
    return [];
  }
  const server = await startRedis();
  const log = await createLogger({ name: 'bench', level: 'silent' });
  const redis = connectRedis(server.url, 'producer', log);
  await whenConnected(redis, 10_000);
  await redis.config('SET', 'appendonly', 'no');
  const engine = createBatchEngine({ redis, profiles: () => ['compact'], retentionHours: 1, storage: {}, log });
  const host = await startImageHost();
  try {
    say(`explorer: posting and committing ${readable(items)} items`);
    const id = await storeBatch(engine, redis, {
      count: items,
      imageOf: (index) => host.url(photoNames[index % photoNames.length] ?? ''),
      contentOf: (index) => String(index % 10 === 3 ? index - 3 : index),
      cosineOf: (index) => (index % 20 === 7 ? undefined : ((index * 7_919) % 500_009) / 1e6),
    });
    const api = await startProcess('stub-api', { REDIS_URL: server.url, LOG_LEVEL: 'error' });
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const browser = await chromium.launch({ executablePath, args });
    try {
      const list = `${api.url}/evaluator/#/batches/${id}/pairs`;
      return [
        ...(await measureFirstRows(browser, list, items, rounds, say)),
        ...(await measureScrolling(browser, list, items, say)),
        await measureComparison(`${api.url}/evaluator/v1/evaluation/batch/${id}/comparison?other=${id}`, items, say),
      ];
    } finally {
      await browser.close();
      await api.stop();
    }
  } finally {
    await engine.close();
    redis.disconnect();
    await Promise.all([server.remove(), host.close()]);
  }
}

/** Opens the list in a browser context without a cache. */
async function open(browser: Browser, address: string, script: string): Promise<Page> {
  const context = await browser.newContext({ viewport: pixels });
  const page = await context.newPage();
  await page.addInitScript(script);
  await page.goto(address);
  return page;
}

/** Records the time from the start of the navigation to the frame after the first rows. */
const firstRowsScript = `(() => {
  window.firstRows = new Promise((resolve) => {
    const look = () => requestAnimationFrame(() => {
      if (document.querySelector('.pair-table .row-link') === null) look();
      else requestAnimationFrame(() => resolve(performance.now()));
    });
    look();
  });
})()`;

async function measureFirstRows(
  browser: Browser,
  list: string,
  items: number,
  rounds: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const times: number[] = [];
  const sortedTimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    say(`explorer: the list is opened, round ${round + 1} of ${rounds}`);
    for (const [address, all] of [
      [list, times],
      [`${list}?sort=-score&min=20`, sortedTimes],
    ] as const) {
      const page = await open(browser, address, firstRowsScript);
      all.push(Number(await page.evaluate('window.firstRows')));
      await page.context().close();
    }
  }
  const detail = (all: number[]) =>
    `${readable(Math.min(...all))} to ${readable(Math.max(...all))} ms in ${rounds} rounds`;
  const size = `${readable(items)} items`;
  return [
    figure(
      `explorer/first-rows-${items}`,
      `first rows after navigation, ${size}`,
      median(times),
      'ms',
      detail(times),
      most(1_000),
    ),
    figure(
      `explorer/first-sorted-rows-${items}`,
      `first rows by score, filtered, ${size}`,
      median(sortedTimes),
      'ms',
      detail(sortedTimes),
      most(1_000),
    ),
  ];
}

/**
 * Checks in each frame if rows cover the list's top, middle and end. A gap is the time from one frame with all three
 * covered to the next.
 */
const gapScript = `(() => {
  let covered = performance.now();
  window.longestGap = 0;
  window.isCovered = false;
  window.startGaps = () => { covered = performance.now(); window.longestGap = 0; };
  const look = (now) => {
    const list = ${box};
    if (list !== null) {
      const { left, top, bottom } = list.getBoundingClientRect();
      const end = Math.min(bottom, innerHeight) - 8;
      window.isCovered = [top + 50, (top + end) / 2, end].every((y) =>
        document.elementFromPoint(left + 200, y)?.closest('tr')?.querySelector('.row-link'));
      window.longestGap = Math.max(window.longestGap, now - covered);
      if (window.isCovered) covered = now;
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()`;

async function measureScrolling(
  browser: Browser,
  list: string,
  items: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const page = await open(browser, list, gapScript);
  await page.locator('.row-link').first().waitFor();
  await page.locator('.explorer-box').hover();
  const untilCovered = async () => {
    await page.evaluate(`new Promise((resolve) => {
      let frames = 0;
      const look = () => requestAnimationFrame(() => ((frames = window.isCovered ? frames + 1 : 0) > 3 ? resolve() : look()));
      look();
    })`);
  };
  /** Returns the longest gap in ms while `scroll` runs, and until rows are visible after it. */
  async function gapDuring(name: string, scroll: () => Promise<void>): Promise<number> {
    say(`explorer: ${name}`);
    await untilCovered();
    await page.evaluate('window.startGaps()');
    await scroll();
    await untilCovered();
    return Number(await page.evaluate('window.longestGap'));
  }
  const memory = await createMemoryMeter(page);
  const before = await memory();

  const wheel = async () => {
    for (let turn = 0; turn < 60; turn++) await page.mouse.wheel(0, 360);
  };
  const inFrames = (steps: number, positionOf: string) =>
    page.evaluate(`new Promise((resolve) => {
      const [list, steps] = [${box}, ${steps}];
      let step = 0;
      const next = () => {
        if (step++ === steps) return resolve();
        list.scrollTop = (list.scrollHeight - list.clientHeight) * (${positionOf});
        requestAnimationFrame(next);
      };
      next();
    })`);
  const gaps = {
    'the wheel at the start': await gapDuring('the wheel turns', wheel),
    'jumps of the scroll bar': await gapDuring('the scroll bar jumps', async () => {
      for (let jump = 1; jump <= jumps; jump++) {
        await page.evaluate(`${box}.scrollTop = ${box}.scrollHeight * ${((jump * 0.381) % 1).toFixed(3)}`);
        await untilCovered();
      }
    }),
    'the wheel in the middle': await gapDuring('the wheel turns', wheel),
    'a drag of the scroll bar': await gapDuring('the scroll bar is dragged', async () => {
      await inFrames(dragSteps, 'step / steps');
      await inFrames(dragSteps, '1 - step / steps');
    }),
    'End and Home': await gapDuring('End and Home', async () => {
      for (const key of ['End', 'Home', 'End', 'Home']) {
        await page.locator('.row-link').nth(8).focus();
        await page.keyboard.press(key);
        await page.locator(`[data-row="${key === 'End' ? items - 1 : 0}"]`).waitFor();
        await untilCovered();
      }
    }),
  };
  const after = await memory();
  await page.context().close();
  const size = `${readable(items)} items`;
  return [
    figure(
      `explorer/gap-${items}`,
      `longest gap without rows, ${size}`,
      Math.max(...Object.values(gaps)),
      'ms',
      Object.entries(gaps)
        .map(([name, gap]) => `${name}: ${readable(gap)}`)
        .join('; '),
      most(300),
    ),
    figure(
      `explorer/memory-${items}`,
      `memory of the page's script after scrolling, ${size}`,
      after.heap / 2 ** 20,
      'MiB',
      `${readable(before.heap / 2 ** 20)} MiB before; ${readable(after.nodes)} nodes of the document, ${readable(before.nodes)} before`,
      most(50),
    ),
  ];
}

/** Returns a function that collects garbage, then reads the script heap in bytes and the number of nodes. */
async function createMemoryMeter(page: Page): Promise<() => Promise<{ heap: number; nodes: number }>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  return async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const read = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
    return { heap: read('JSHeapUsedSize'), nodes: read('Nodes') };
  };
}

async function measureComparison(address: string, items: number, say: (line: string) => void): Promise<Figure> {
  say('explorer: comparing two batches');
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    const response = await fetch(`${address}&threshold=30`);
    if (!response.ok) throw new Error(`The comparison answered ${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
    times.push(performance.now() - start);
  }
  return figure(
    `explorer/comparison-${items}`,
    `comparison of two batches of ${readable(items)} items`,
    median(times),
    'ms',
    `${readable(Math.min(...times))} to ${readable(Math.max(...times))} ms in 5 rounds`,
    most(1_500),
  );
}
