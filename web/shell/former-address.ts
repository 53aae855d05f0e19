/** The first parts of addresses in earlier releases of the page, with the present addresses of the same content. */
const moves: Readonly<Record<string, string>> = {
  health: '#/system',
  models: '#/system/models',
  traffic: '#/system/traffic',
};

/** Returns the current address of a view for an address of an earlier release; undefined for other addresses. */
export function movedTo(hash: string): string | undefined {
  const [path = '', query] = hash.replace(/^#\/?/, '').split('?', 2);
  const moved = moves[path.split('/', 1)[0] ?? ''];
  return moved === undefined || query === undefined ? moved : `${moved}?${query}`;
}
