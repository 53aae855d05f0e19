import { open, readFile } from 'node:fs/promises';

/** The tag of Protocol Buffers field 1: the version of the format as a varint. */
const firstByteOfOnnx = 0x08;

/**
 * Returns the reason why a file cannot be what its name says. It detects login pages and error pages of proxies that
 * arrive with status 200.
 */
export async function contentFaultOf(path: string, name: string): Promise<string | undefined> {
  if (name.endsWith('.json')) return jsonFaultOf(await readFile(path, 'utf8'));
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
    const start = buffer.subarray(0, bytesRead);
    if (isPage(start.toString('latin1'))) return 'it is a web page';
    return name.endsWith('.onnx') && start[0] !== firstByteOfOnnx ? 'it is not an ONNX model' : undefined;
  } finally {
    await handle.close();
  }
}

function jsonFaultOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return isPage(text) ? 'it is a web page' : `it is not JSON: ${(error as Error).message}`;
  }
}

const isPage = (text: string) => /^\s*<(!doctype|html|\?xml|!--)/i.test(text.slice(0, 64));
