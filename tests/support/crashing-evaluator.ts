/**
 * An evaluator that dies of certain bytes, as one does of a picture that its decoder cannot bear. `hang` instead of
 * `crash` keeps it busy for ever.
 */
process.on('message', (messages: { type: string; bytes?: Uint8Array }[]) => {
  for (const { type, bytes } of messages) {
    const text =
      type === 'image'
        ? Buffer.from(bytes ?? [])
            .subarray(0, 5)
            .toString()
        : '';
    if (text === 'crash') process.abort();
    while (text === 'hang!');
  }
});
await import('../../models/evaluator/main.ts');
