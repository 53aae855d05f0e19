import type { Provider } from '../model.ts';
import { InferenceSession } from '../onnx-runtime.ts';

/**
 * A process that finds out which execution providers work here: a driver that is half there can end the process that
 * asks. `node models/device/probe.ts PROVIDER…`, answered over IPC with one {@link Probed} for each.
 */
export interface Probed {
  provider: Provider;
  /** Why it cannot be had, or nothing. */
  fault: string | null;
}

/** An ONNX graph of one `Identity` over one number: all that a provider must be able to do. */
const identity = Buffer.from(
  'CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCAhAN',
  'base64',
);

async function probe(provider: Provider): Promise<Probed> {
  try {
    const session = await InferenceSession.create(identity, { executionProviders: [provider], logSeverityLevel: 4 });
    await session.release();
    return { provider, fault: null };
  } catch (error) {
    return { provider, fault: (error as Error).message.replace(/\s+/g, ' ').slice(0, 300) };
  }
}

for (const provider of process.argv.slice(2) as Provider[]) process.send?.(await probe(provider));
process.disconnect?.();
