/**
 * An evaluator that dies of certain bytes, as one does of a picture that its decoder cannot bear. `hang` instead of
 * `crash` keeps it busy for ever.
 */
process.on('message', (message: { type: string; bytes?: Uint8Array }) => {
  const text =
    message.type === 'image'
      ? Buffer.from(message.bytes ?? [])
          .subarray(0, 5)
          .toString()
      : '';
  if (text === 'crash') process.abort();
  while (text === 'hang!');
});
await import('../../models/evaluator/main.ts');
