import { registerHooks } from 'node:module';

/** openapi-typescript writes types with the compiler's own API, which TypeScript 7 does not have. */
registerHooks({
  resolve: (specifier, context, next) => next(specifier === 'typescript' ? 'typescript-5' : specifier, context),
});
