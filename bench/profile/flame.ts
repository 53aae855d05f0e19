import { svg } from '../plots/svg.ts';
import { type CpuProfile, nameOf } from './self-time.ts';

const width = 1_200;
const rowHeight = 16;
const top = 28;
/** The width in pixels below which a box is not drawn. */
const narrowest = 1.5;
const characterWidth = 6;

/** A box of the flame graph: a function, with the total time of its calls from the same callers. */
interface Box {
  name: string;
  kind: Kind;
  microseconds: number;
  callees: Map<string, Box>;
}

const colours = { house: '#f4a259', package: '#8cb369', node: '#9fb8d1', engine: '#d98880' } as const;
type Kind = keyof typeof colours;
const legend: Record<Kind, string> = {
  house: 'this project',
  package: 'packages',
  node: 'Node.js',
  engine: 'native code and garbage collection',
};

/** Draws a flame graph as an SVG, each function below its caller. Idle time is left out. */
export function flameGraph(profile: CpuProfile, title: string): string {
  const root = boxesOf(profile);
  const scale = (width - 8) / root.microseconds;
  const parts: string[] = [];
  let deepest = 0;
  const place = (box: Box, left: number, depth: number): void => {
    deepest = Math.max(deepest, depth);
    let at = left;
    for (const callee of [...box.callees.values()].sort((a, b) => b.microseconds - a.microseconds)) {
      const wide = callee.microseconds * scale;
      if (wide >= narrowest) {
        parts.push(drawn(callee, at, depth, wide, root.microseconds));
        place(callee, at, depth + 1);
      }
      at += wide;
    }
  };
  place(root, 4, 0);
  const bottom = top + (deepest + 1) * rowHeight;
  const key = Object.entries(legend).map(
    ([kind, meaning], at) =>
      `<rect x="${4 + at * 220}" y="${bottom + 6}" width="10" height="10" fill="${colours[kind as Kind]}"/><text x="${18 + at * 220}" y="${bottom + 15}">${meaning}</text>`,
  );
  return svg(width, bottom + 24, escaped(title), [...parts, ...key]);
}

function drawn(box: Box, left: number, depth: number, wide: number, total: number): string {
  const y = top + depth * rowHeight;
  const percent = ((100 * box.microseconds) / total).toFixed(1);
  const room = Math.floor((wide - 4) / characterWidth);
  const label = room < 3 ? '' : box.name.length > room ? `${box.name.slice(0, room - 1)}…` : box.name;
  const text = label === '' ? '' : `<text x="${(left + 2).toFixed(1)}" y="${y + 12}">${escaped(label)}</text>`;
  return `<g><title>${escaped(box.name)}: ${percent} %</title><rect x="${left.toFixed(1)}" y="${y}" width="${(wide - 0.5).toFixed(1)}" height="${rowHeight - 1}" fill="${colours[box.kind]}"/>${text}</g>`;
}

/** Merges the calls of a profile. The root represents all time that was not idle. */
function boxesOf({ nodes, samples = [], timeDeltas = [] }: CpuProfile): Box {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const root: Box = { name: '', kind: 'node', microseconds: 0, callees: new Map() };
  for (const [at, sample] of samples.entries()) {
    const microseconds = timeDeltas[at + 1] ?? 0;
    const stack: CpuProfile['nodes'] = [];
    for (let id: number | undefined = sample; id !== undefined; id = callers.get(id)) {
      const node = byId.get(id);
      if (node !== undefined) stack.unshift(node);
    }
    // The first node of a profile is its root.
    const [, first] = stack;
    if (first === undefined || first.callFrame.functionName === '(idle)') continue;
    root.microseconds += microseconds;
    let box = root;
    for (const [depth, { callFrame }] of stack.entries()) {
      if (depth === 0) continue;
      const name = nameOf(callFrame, stack[depth - 1]?.callFrame);
      const next: Box = box.callees.get(name) ?? {
        name,
        kind: kindOf(callFrame.url),
        microseconds: 0,
        callees: new Map(),
      };
      box.callees.set(name, next);
      next.microseconds += microseconds;
      box = next;
    }
  }
  return root;
}

function kindOf(url: string): Kind {
  if (url === '') return 'engine';
  if (url.startsWith('node:')) return 'node';
  return url.includes('/node_modules/') ? 'package' : 'house';
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
