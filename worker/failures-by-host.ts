import type { ImageSource, ItemResult } from '../shared/contracts/item.ts';

export interface Failures {
  code: string;
  /** Absent when the error does not concern the image, or when the image has no address. */
  host?: string;
  items: number;
}

const mostKinds = 10;

/**
 * Counts the failed items of a chunk by error code and image host, the most frequent first. Messages are left out,
 * since they may quote the item.
 */
export function failuresByHost(
  results: readonly ItemResult[],
  images: readonly (ImageSource | undefined)[],
): Failures[] {
  const kinds = new Map<string, Failures>();
  for (const [at, result] of results.entries()) {
    if (result.status !== 'failed') continue;
    const { code } = result.error;
    const host = code.startsWith('image.') ? hostOf(images[at]) : undefined;
    const kind = kinds.get(`${code} ${host}`) ?? { code, ...(host !== undefined && { host }), items: 0 };
    kind.items++;
    kinds.set(`${code} ${host}`, kind);
  }
  return [...kinds.values()].sort((a, b) => b.items - a.items).slice(0, mostKinds);
}

function hostOf(image: ImageSource | undefined): string | undefined {
  const address = typeof image === 'string' ? image : image !== undefined && 'url' in image ? image.url : '';
  if (!/^\s*https?:/i.test(address)) return undefined;
  return URL.parse(address)?.host.slice(0, 253);
}
