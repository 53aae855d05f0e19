import type { Import } from './imports-of.ts';
import type { House, Room } from './rooms.ts';

/** An import that the rules refuse, with the reason. */
export interface Breach {
  import: Import;
  why: string;
}

const inFolder = (file: string, path: string): boolean => file.startsWith(path);

/** Returns the rooms that a file is in, outermost first: `batches/`, `batches/payloads/`. */
const roomsOf = (file: string, { rooms }: House): Room[] =>
  rooms.filter(({ path }) => inFolder(file, path)).toSorted((a, b) => a.path.length - b.path.length);

const owns = (packages: readonly string[], name: string): boolean =>
  packages.some((owned) => owned === name || (owned.endsWith('/*') && name.startsWith(owned.slice(0, -1))));

function refusedPackage({ from, package: name = '' }: Import, house: House): string | undefined {
  const here = roomsOf(from, house);
  // Configuration of tools, at the root.
  if (here.length === 0) return undefined;
  if (here.some(({ packages, usesAllPackages }) => usesAllPackages || owns(packages, name))) return undefined;
  for (const { packages, exceptRooms } of house.shared) {
    if (owns(packages, name)) {
      return exceptRooms.some((path) => inFolder(from, path))
        ? `${name} is not for ${exceptRooms.join(', ')}`
        : undefined;
    }
  }
  const owners = house.rooms.filter(({ packages }) => owns(packages, name)).map(({ path }) => path);
  return owners.length > 0 ? `${name} belongs to ${owners.join(', ')}` : `${name} belongs to no room`;
}

function refusedRoom({ from, file = '' }: Import, house: House): string | undefined {
  // Files of the root, such as package.json, belong to everybody.
  if (!file.includes('/')) return undefined;
  const here = roomsOf(from, house);
  const outer = here[0];
  if (outer === undefined || inFolder(file, outer.path)) return undefined;
  const allowed = here.flatMap(({ imports }) => imports);
  if (allowed.some((path) => inFolder(file, path))) return undefined;
  return `${here.at(-1)?.path} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other room'}`;
}

/** Returns the number of the step that a file is in; a file that no step names has none. */
const stepOf = (file: string, path: string, steps: readonly string[][]): number | undefined => {
  const step = steps.findIndex((names) =>
    names.some((name) => file === path + name || inFolder(file, name.endsWith('/') ? path + name : `${path}${name}/`)),
  );
  return step < 0 ? undefined : step;
};

function refusedOrder({ from, file = '' }: Import, { orders }: House): string | undefined {
  for (const { path, steps } of orders) {
    const [mine, other] = [stepOf(from, path, steps), stepOf(file, path, steps)];
    if (mine === undefined || other === undefined || other < mine) continue;
    const own = steps[mine]?.find((name) => stepOf(from, path, [[name]]) === 0) ?? '';
    if (stepOf(file, path, [[own]]) === 0) continue;
    return `the order in ${path} is ${steps.map((names) => names.join(', ')).join(' <- ')}`;
  }
  return undefined;
}

/** Returns the imports that break the rules of the house. */
export function breachesOf(imports: readonly Import[], house: House): Breach[] {
  const breaches: Breach[] = [];
  for (const each of imports) {
    const why =
      each.package === undefined
        ? (refusedRoom(each, house) ?? refusedOrder(each, house))
        : refusedPackage(each, house);
    if (why !== undefined) breaches.push({ import: each, why });
  }
  return breaches;
}

/** Returns the circles among files: each a sorted list of files of which every one reaches every other by imports. */
export function circlesOf(imports: readonly Import[]): string[][] {
  const next = new Map<string, Set<string>>();
  for (const { from, file } of imports) {
    if (file !== undefined) next.set(from, (next.get(from) ?? new Set()).add(file));
  }
  const circles: string[][] = [];
  const found = new Map<string, number>();
  const open: string[] = [];
  // Tarjan's strongly connected components: https://doi.org/10.1137/0201010
  const visit = (file: string): number => {
    const order = found.size;
    found.set(file, order);
    let low = order;
    open.push(file);
    for (const each of next.get(file) ?? []) {
      if (!found.has(each)) low = Math.min(low, visit(each));
      else if (open.includes(each)) low = Math.min(low, found.get(each) ?? low);
    }
    if (low === order) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1 || next.get(file)?.has(file)) circles.push(circle.toSorted());
    }
    return low;
  };
  for (const file of next.keys()) if (!found.has(file)) visit(file);
  return circles;
}
