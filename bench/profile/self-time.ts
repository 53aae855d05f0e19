/** The fields of a `.cpuprofile` that this module uses. */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  /** For each sample: the running node, and the microseconds since the previous sample. */
  samples?: number[];
  timeDeltas?: number[];
}

type CallFrame = CpuProfile['nodes'][number]['callFrame'];

/** A function with the time spent in itself, without the functions that it called. */
export interface SelfTime {
  name: string;
  milliseconds: number;
}

/** Lists the functions of a profile by self time, the longest first. Includes entries such as `(idle)`. */
export function selfTimes({ nodes, samples = [], timeDeltas = [] }: CpuProfile): SelfTime[] {
  const callers = new Map(
    nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.callFrame] as const)),
  );
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame, callers.get(id))]));
  const totals = new Map<string, number>();
  for (const [at, node] of samples.entries()) {
    const name = names.get(node) ?? '(unknown)';
    // Each sample is charged with the time until the next sample.
    totals.set(name, (totals.get(name) ?? 0) + (timeDeltas[at + 1] ?? 0) / 1000);
  }
  return [...totals]
    .map(([name, milliseconds]) => ({ name, milliseconds }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

export function nameOf({ functionName, url, lineNumber }: CallFrame, caller?: CallFrame): string {
  // A native function without name and location is named after its caller.
  if (functionName === '' && url === '' && caller !== undefined) return `(native code) in ${nameOf(caller)}`;
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const [, inPackage] = /.*\/node_modules\/(.*)$/.exec(url) ?? [];
  const file = inPackage ?? url.split('/').slice(-2).join('/');
  return `${name} ${file}:${lineNumber + 1}`;
}
