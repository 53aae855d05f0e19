/** An error that the user can fix. Only its message is printed. */
export class BootstrapError extends Error {
  name = 'BootstrapError';
}
