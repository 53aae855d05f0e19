/** An error that the user of `npm start` can fix. Only its message is printed. */
export class StartError extends Error {
  override name = 'StartError';
}
