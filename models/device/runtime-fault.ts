/**
 * Returns the cause in an error message of ONNX Runtime, in one line of at most 300 characters. Before the cause, such a
 * message names the source file, the C++ function and the failed condition.
 */
export function causeOf(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  const cause = line.replace(/^.*?\S+\.(?:cc|h):\d+ .*?(?:was false\.|\[ONNXRuntimeError\] : \d+ : \w+ :) ?/, '');
  return (cause === '' ? line : cause).slice(0, 300);
}
