#!/usr/bin/env node
// `npx vls …` in a checkout: the bootstrap installs what is missing and runs cli/main.ts under Node 24.
// As in start/bootstrap.js: no static imports, so that an old Node gets as far as its message.
void import('node:url').then(({ fileURLToPath }) => {
  process.argv.splice(2, 0, fileURLToPath(new URL('./main.ts', import.meta.url)));
  return import('../start/bootstrap.js');
});
