import { readFileSync } from 'node:fs';
import { field } from '../../../models/encoder/protobuf.ts';
import { builtInFile } from '../../../models/registry/entries.ts';
import { type HubRepo, isLinked, sha256 } from './repository.ts';
import { text, tinyFiles, vision } from './tiny-model.ts';

interface Listed {
  revision: string;
  files: Record<string, object>;
}
const { repositories } = JSON.parse(
  readFileSync(new URL('../../golden/hub/repositories.json', import.meta.url), 'utf8'),
) as { repositories: Record<string, Listed> };

/** `ModelProto.doc_string` */
const docString = 6;

const dimensionsOf: Record<string, number> = {
  'Xenova/clip-vit-base-patch32': 512,
  'Xenova/clip-vit-large-patch14': 768,
};

/** The repositories of the built-in models: names, revisions and files as they are, with small contents. */
export const realRepositories: Record<string, HubRepo> = Object.fromEntries(
  Object.entries(repositories).map(([name, { revision, files }]) => [
    name,
    { commit: revision, files: Object.fromEntries(Object.keys(files).map((path) => [path, contentOf(name, path)])) },
  ]),
);

/** Each file its own content: one in the place of another is found. */
function contentOf(name: string, path: string): Buffer {
  if (path === 'config.json') {
    const config = JSON.parse(tinyFiles['config.json']?.toString() ?? '');
    return Buffer.from(JSON.stringify({ ...config, projection_dim: dimensionsOf[name] }));
  }
  if (!isLinked(path)) return tinyFiles[path] ?? Buffer.alloc(0);
  const note = field(docString, Buffer.from(`${name}/${path}`));
  return Buffer.concat([path.includes('vision') ? vision : text, note]);
}

/** The built-in registry with the hashes of those contents, for `MODELS_FILE`. */
export function registryOfSmallContents(): string {
  const { models } = JSON.parse(readFileSync(builtInFile, 'utf8'));
  const entries = Object.entries<{ source: { repo?: string }; files: Record<string, object> }>(models);
  const overridden = entries.flatMap(([model, entry]) => {
    const repo = realRepositories[entry.source.repo ?? ''];
    if (repo === undefined) return [];
    const files = Object.fromEntries(
      Object.entries(entry.files).map(([local, pinned]) => {
        const bytes = repo.files[local] ?? Buffer.alloc(0);
        return [local, { ...pinned, sha256: sha256(bytes), ...('bytes' in pinned && { bytes: bytes.length }) }];
      }),
    );
    return [[model, { ...entry, files }]];
  });
  return JSON.stringify({ models: Object.fromEntries(overridden) });
}
