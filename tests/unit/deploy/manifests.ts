import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A resource as its file, or kustomize, has it. */
export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec: unknown;
  data?: Record<string, string>;
}

export function parseYaml<T>(text: string): T[] {
  return parseAllDocuments(text, { merge: true }).map((document) => {
    for (const error of document.errors) throw error;
    return document.toJS() as T;
  });
}

/** Paths of the YAML files below a directory of the repository. */
export const yamlFilesBelow = (directory: string): string[] =>
  readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.yaml'))
    .map((path) => join(directory, path))
    .sort();

export const readYaml = <T>(path: string): T[] => parseYaml<T>(readFileSync(join(root, path), 'utf8'));
