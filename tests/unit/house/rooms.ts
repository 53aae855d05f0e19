/** A row of the table of rooms in CONTRIBUTING.md. */
export interface Room {
  /** Path of its folder from the root of the repository, with a slash at its end. */
  path: string;
  /** Packages that its files may import: names, or scopes (`@aws-sdk/*`). */
  packages: string[];
  /** Its files may import the packages of every room. */
  usesAllPackages: boolean;
  /** Paths of the rooms that its files may import. A room may always import itself. */
  imports: string[];
}

/** The rules of the house for imports. */
export interface House {
  rooms: Room[];
  /** Packages that are imported everywhere but in the rooms of `exceptRooms`. */
  shared: { packages: string[]; exceptRooms: string[] }[];
  /** Folders and files of a room in the order in which they may be imported: each step imports earlier steps only. */
  orders: { path: string; steps: string[][] }[];
}

const allPackages = 'and those of all rooms';
const list = (cell: string): string[] =>
  cell
    .split(',')
    .map((part) => part.trim().replaceAll('`', '').replaceAll('\\', ''))
    .filter((part) => part !== '');
const folder = (name: string): string => (name.endsWith('/') ? name : `${name}/`);

/**
 * Reads the table of rooms and the orders inside rooms from the text of CONTRIBUTING.md.
 * @throws {Error} for a row that imports a room without a row of its own.
 */
export function readHouse(page: string): House {
  const house: House = { rooms: [], shared: [], orders: [] };
  const [, table = ''] = /\n\| room +\|.*\n\|[ |-]+\n((?:\|.*\n)+)/.exec(page) ?? [];
  for (const row of table.trim().split('\n')) {
    const [, name = '', , packages = '', imports = ''] = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (name.startsWith('all but ')) {
      house.shared.push({ packages: list(packages), exceptRooms: list(name.slice('all but '.length)) });
      continue;
    }
    const named = list(packages);
    house.rooms.push({
      path: list(name)[0] ?? '',
      packages: named.filter((each) => each !== allPackages),
      usesAllPackages: named.includes(allPackages),
      imports: list(imports).map(folder),
    });
  }
  for (const { path, imports } of house.rooms) {
    for (const each of imports) {
      if (!house.rooms.some((room) => room.path === each)) throw new Error(`${path} may import ${each}, no such room`);
    }
  }
  for (const [, path = '', chain = ''] of page.matchAll(/^([\w/]+\/): +(.+ <- .+)$/gm)) {
    house.orders.push({ path, steps: chain.split('<-').map(list) });
  }
  return house;
}
