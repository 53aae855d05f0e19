#!/usr/bin/env node
// Runs `npx vls …` in a checkout: the bootstrap installs what is missing and runs cli/main.ts under Node 24.
// Without static imports, like start/bootstrap.js, so that an old Node reaches the message about its version.
void import('node:url').then(({ fileURLToPath }) => {
  // Messages name commands in the way in which this one was called (called.ts).
  process.env.VLS_SCRIPT = process.argv[1];
  process.argv.splice(2, 0, fileURLToPath(new URL('./main.ts', import.meta.url)));
  return import('../start/bootstrap.js');
});
