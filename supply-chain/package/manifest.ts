import { z } from 'zod';

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  license: z.string(),
  engines: z.record(z.string(), z.string()),
  bin: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
});
const lockSchema = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });

/**
 * Returns the manifest of the package: without development entries and `private`, and with the tested versions of
 * dependencies.
 * @param manifest the text of the repository's `package.json`.
 * @param lock the text of its `package-lock.json`.
 * @throws {Error} when the lock file lacks a dependency.
 */
export function packedManifest(manifest: string, lock: string): object {
  const { name, version, description, license, engines, bin, dependencies } = manifestSchema.parse(
    JSON.parse(manifest),
  );
  const { packages } = lockSchema.parse(JSON.parse(lock));
  const versionOf = (dependency: string): string => {
    const locked = packages[`node_modules/${dependency}`]?.version;
    if (locked === undefined) throw new Error(`package-lock.json lacks ${dependency}`);
    return locked;
  };
  const tested = Object.fromEntries(Object.keys(dependencies).map((each) => [each, versionOf(each)]));
  return { name, version, description, license, type: 'module', engines, bin, dependencies: tested };
}
