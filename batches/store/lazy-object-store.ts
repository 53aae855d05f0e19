import type { Objects, ObjectsOptions } from './objects.ts';

/** The store, whose client is loaded when it is first used: a start that uses none does not pay for it. */
export function createObjects(options: ObjectsOptions): Objects {
  let loaded: Promise<Objects> | undefined;
  const load = (): Promise<Objects> => {
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
