/** The part of a `.cpuprofile` that counts. */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  /** The node that was running at each sample, and the microseconds since the one before. */
  samples?: number[];
  timeDeltas?: number[];
}

type CallFrame = CpuProfile['nodes'][number]['callFrame'];

/** A function and what was spent in it, without what it called. */
export interface SelfTime {
  name: string;
  milliseconds: number;
}

/** The functions of a profile by their own time, most first; `(idle)` and the like among them. */
export function selfTimes({ nodes, samples = [], timeDeltas = [] }: CpuProfile): SelfTime[] {
  const callers = new Map(
    nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.callFrame] as const)),
  );
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame, callers.get(id))]));
  const totals = new Map<string, number>();
  for (const [at, node] of samples.entries()) {
    const name = names.get(node) ?? '(unknown)';
    // A sample stands for the time until the next one.
    totals.set(name, (totals.get(name) ?? 0) + (timeDeltas[at + 1] ?? 0) / 1000);
  }
  return [...totals]
    .map(([name, milliseconds]) => ({ name, milliseconds }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

function nameOf({ functionName, url, lineNumber }: CallFrame, caller?: CallFrame): string {
  // A function of a native addon has neither name nor place; who called it says what it is.
  if (functionName === '' && url === '' && caller !== undefined) return `(native code) in ${nameOf(caller)}`;
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const [, inPackage] = /.*\/node_modules\/(.*)$/.exec(url) ?? [];
  const file = inPackage ?? url.split('/').slice(-2).join('/');
  return `${name} ${file}:${lineNumber + 1}`;
}
