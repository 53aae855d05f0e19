import { describe, expect, test } from 'vitest';
import { findChromium } from '../../testing/chromium.ts';
import { useBrowser } from '../support/browser.ts';
import { useService } from '../support/running-service.ts';

const chromium = findChromium();
if (chromium === undefined) console.log('The tests of Swagger UI are skipped: there is no Chromium on the PATH.');

describe.skipIf(chromium === undefined)('Swagger UI', () => {
  const running = useService();
  const browser = useBrowser();

  test('sends a request by "try it out", and shows its answer, under the content security policy', async () => {
    const { page, context, complaints } = await browser.open();
    await page.goto(`${running.service.url}/evaluator/docs/`);
    const operation = page.locator('#operations-evaluation-scoreSingle');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    const body = { image: running.host.url('chelsea.jpg'), text: 'a cat' };
    await operation.locator('textarea.body-param__text').fill(JSON.stringify(body));
    await operation.getByRole('button', { name: 'Execute' }).click();
    const answer = operation.locator('.live-responses-table .response');
    await answer.waitFor();
    expect(await answer.locator('.response-col_status').innerText()).toMatch(/^200/);
    expect(await answer.innerText()).toContain('"score"');
    await context.close();
    expect(complaints).toEqual([]);
  });
});
