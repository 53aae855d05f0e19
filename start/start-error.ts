/** Something that the person who typed `npm start` can put right. Its message is the one line they are shown. */
export class StartError extends Error {
  override name = 'StartError';
}
