/** Returns a message with a full stop at its end, which the messages of the API lack. */
export const asSentence = (message: string): string =>
  message === '' || /[.!?…]$/.test(message) ? message : `${message}.`;

export const capitalized = (message: string): string => message.charAt(0).toUpperCase() + message.slice(1);

/** Returns the message as a sentence to show after its title; empty if it only repeats the title. */
export function detailAfter(title: string, message: string): string {
  const detail = asSentence(message.trim());
  return detail.toLowerCase() === asSentence(title.trim()).toLowerCase() ? '' : detail;
}
