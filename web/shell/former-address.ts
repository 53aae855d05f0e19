/** Addresses of earlier releases: the first part, and the current address of the same view. */
const moves: Readonly<Record<string, string>> = {
  health: '#/system',
  models: '#/system/models',
  traffic: '#/system/traffic',
};

/** Converts an address of an earlier release to the current one; undefined for other addresses. */
export function movedTo(hash: string): string | undefined {
  const [path = '', query] = hash.replace(/^#\/?/, '').split('?', 2);
  const moved = moves[path.split('/', 1)[0] ?? ''];
  return moved === undefined || query === undefined ? moved : `${moved}?${query}`;
}
