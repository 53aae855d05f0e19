/** Yields the lines of a UTF-8 stream as they arrive, without empty lines. */
export async function* linesOf(body: AsyncIterable<Uint8Array> | null): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body ?? []) {
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    const whole = lines.filter((line) => line !== '');
    if (whole.length > 0) yield whole;
  }
  rest += decoder.decode();
  if (rest !== '') yield [rest];
}
