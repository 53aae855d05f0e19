import type { BatchStatus } from '../../shared/contracts/batch/status.ts';

/** The length to which the API limits names. */
export const maxNameLength = 200;

/** Returns the tags in a text, which are separated by commas. */
export const tagsIn = (text: string): string[] => text.split(',').flatMap((tag) => tag.trim() || []);

/**
 * Returns the body of the request that gives a batch the written name and tags; undefined if both are unchanged. It
 * leaves out what is unchanged, because another user may change it at the same time.
 */
export function nameChange(
  status: Pick<BatchStatus, 'name' | 'tags'>,
  written: { name: string; tags: string },
): Partial<Pick<BatchStatus, 'name' | 'tags'>> | undefined {
  const name = written.name.trim() || null;
  const tags = tagsIn(written.tags);
  const areTagsChanged = tags.join() !== status.tags.join();
  if (name === status.name && !areTagsChanged) return undefined;
  return { ...(name !== status.name && { name }), ...(areTagsChanged && { tags }) };
}
