import { z } from 'zod';
import type { FoundRepo, Listing } from './hub.ts';

/** The fields that the service reads from the hub's JSON. Missing or unknown values become undefined. */

const card = z
  .object({ license: z.string().optional(), language: z.union([z.string(), z.array(z.string())]).optional() })
  .partial()
  .catch({});

const modelInfo = z.object({
  sha: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .optional(),
  siblings: z.array(
    z.object({
      rfilename: z.string().min(1),
      size: z.int().min(0).nullish(),
      lfs: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }).nullish(),
    }),
  ),
  cardData: card.nullish(),
});

/** Returns the API path that describes a repository at a revision, including all its files. */
export const listPath = (repo: string, revision: string): string =>
  `api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;

/** Returns undefined when the JSON does not describe a repository. */
export function listingIn(json: unknown): Listing | undefined {
  const parsed = modelInfo.safeParse(json);
  if (!parsed.success) return undefined;
  const { sha, siblings, cardData } = parsed.data;
  const languages = typeof cardData?.language === 'string' ? [cardData.language] : cardData?.language;
  return {
    commit: sha,
    files: new Map(
      siblings.map(({ rfilename, size, lfs }) => [
        rfilename,
        { ...(typeof size === 'number' && { bytes: size }), ...(lfs && { sha256: lfs.sha256 }) },
      ]),
    ),
    ...(cardData?.license !== undefined && { licence: cardData.license }),
    ...(languages !== undefined && { languages }),
  };
}

const found = z.array(
  z.object({
    id: z.string().regex(/^[^/]+\/[^/]+$/),
    downloads: z.int().min(0).optional(),
    tags: z.array(z.string()).default([]),
  }),
);

/** Returns the API path that searches repositories with ONNX files, the most downloaded first. */
export const searchPath = (word: string, limit: number): string =>
  `api/models?${new URLSearchParams({ search: word, filter: 'onnx', sort: 'downloads', direction: '-1', limit: String(limit) })}`;

/** Returns undefined when the JSON is not a search result. */
export function foundIn(json: unknown): FoundRepo[] | undefined {
  return found.safeParse(json).data?.map(({ id, downloads, tags }) => ({
    repo: id,
    downloads,
    licence: tags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length),
  }));
}
