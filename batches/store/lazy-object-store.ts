import type { ObjectStore, ObjectStoreOptions } from './object-store.ts';

/** Creates a store that loads the S3 client at its first use. */
export function createObjectStore(options: ObjectStoreOptions): ObjectStore {
  let loaded: Promise<ObjectStore> | undefined;
  const load = (): Promise<ObjectStore> => {
    loaded ??= import('./s3.ts').then(({ connectS3 }) => connectS3(options));
    return loaded;
  };
  return {
    put: async (...call) => (await load()).put(...call),
    get: async (...call) => (await load()).get(...call),
    head: async (...call) => (await load()).head(...call),
    async *read(...call) {
      yield* (await load()).read(...call);
    },
    upload: async (...call) => (await load()).upload(...call),
    remove: async (...call) => (await load()).remove(...call),
    close() {
      void loaded?.then((objects) => objects.close());
    },
  };
}
