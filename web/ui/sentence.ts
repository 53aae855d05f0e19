/** Returns a message with a full stop at its end, which the messages of the API lack. */
export const asSentence = (message: string): string =>
  message === '' || /[.!?…]$/.test(message) ? message : `${message}.`;
