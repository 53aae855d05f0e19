import type { Provider } from '../model.ts';
import { InferenceSession } from '../onnx-runtime.ts';
import { causeOf } from './runtime-fault.ts';

/**
 * The result of trying one execution provider. `node models/device/probe.ts PROVIDER…` sends one for each over IPC.
 * This file is a process of its own, because an incomplete driver can crash it.
 */
export interface Probed {
  provider: Provider;
  /** The reason why the provider does not work; null when it works. */
  fault: string | null;
}

/** The smallest runnable ONNX graph: one `Identity` operation on one number. */
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
    return { provider, fault: causeOf((error as Error).message) };
  }
}

for (const provider of process.argv.slice(2) as Provider[]) process.send?.(await probe(provider));
process.disconnect?.();
