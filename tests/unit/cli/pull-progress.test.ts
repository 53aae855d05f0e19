import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { showPull } from '../../../cli/pull-progress.ts';

/** A stream for the output of a command: a terminal or a pipe. */
function output(isTTY: boolean) {
  const chunks: string[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const asStream = Object.assign(stream, {
    isTTY,
    columns: 120,
    rows: 24,
    cursorTo() {},
    moveCursor() {},
    clearLine() {},
    clearScreenDown() {},
  });
  return { stream: asStream as unknown as NodeJS.WriteStream, written: () => chunks.join('') };
}

const megabyte = 1_000_000;
const planned = { type: 'planned' as const, files: [{ local: 'onnx/vision_model.onnx', bytes: 300 * megabyte }] };
const progress = (received: number) => ({
  type: 'progress' as const,
  local: 'onnx/vision_model.onnx',
  received,
  total: 300 * megabyte,
});

describe('without a terminal', () => {
  test('a line says at intervals how far a file is, how fast, and how long it takes', async () => {
    const { stream, written } = output(false);
    const { onEvent, stop } = await showPull('vit-b-32', stream, { everyMs: 20 });
    onEvent({ type: 'asking', hub: 'https://huggingface.co' });
    onEvent(planned);
    onEvent(progress(0));
    await expect.poll(written).toContain('0.0 kB of 300.0 MB');
    onEvent(progress(100 * megabyte));
    await expect.poll(written).toMatch(/onnx\/vision_model\.onnx: 100\.0 MB of 300\.0 MB, [\d.]+ MB\/s, .+ left/);
    stop();
    expect(written()).toContain('vit-b-32: asking https://huggingface.co\n');
    expect(written()).toContain('vit-b-32: 1 file, 300.0 MB\n');
  });

  test('a hub that does not answer is named at the same intervals', async () => {
    const { stream, written } = output(false);
    const { onEvent, stop } = await showPull('vit-b-32', stream, { everyMs: 20 });
    onEvent({ type: 'asking', hub: 'https://huggingface.co' });
    await expect.poll(written).toContain('waiting for an answer from https://huggingface.co');
    stop();
  });

  test('a wait is said with its reason and its length', async () => {
    const { stream, written } = output(false);
    const { onEvent, stop } = await showPull('vit-b-32', stream);
    onEvent({
      type: 'retry',
      local: 'config.json',
      reason: 'huggingface.co refused the request, because this address sent too many (429)',
      waitMs: 173_000,
    });
    stop();
    expect(written()).toBe(
      'vit-b-32: config.json: huggingface.co refused the request, because this address sent too many (429); waiting 2 min 53 s\n',
    );
  });
});

describe('on a terminal', () => {
  test('the first word comes before there is a bar, retries and waits too', async () => {
    const { stream, written } = output(true);
    const { onEvent, stop } = await showPull('vit-b-32', stream);
    onEvent({ type: 'waiting' });
    onEvent({ type: 'asking', hub: 'https://huggingface.co' });
    onEvent({ type: 'retry', local: 'config.json', reason: 'no answer', waitMs: 2_000 });
    stop();
    expect(written()).toContain('another process is pulling this model');
    expect(written()).toContain('asking https://huggingface.co');
    expect(written()).toContain('no answer; waiting 2 s');
  });

  test('a bar shows size, rate and the time left, and a wait by the clock', async () => {
    const { stream, written } = output(true);
    const { onEvent, stop } = await showPull('vit-b-32', stream);
    onEvent(planned);
    onEvent(progress(0));
    await new Promise((resolve) => setImmediate(resolve));
    onEvent(progress(100 * megabyte));
    await expect.poll(written).toMatch(/33% 100\.0 MB of 300\.0 MB [\d.]+ MB\/s, .+ left/);
    onEvent({ type: 'retry', local: 'onnx/vision_model.onnx', reason: 'rate', waitMs: 60_000 });
    await expect.poll(written).toMatch(/waiting until \d\d:\d\d:\d\d/);
    stop();
  });
});
