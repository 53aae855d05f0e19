#!/usr/bin/env node
// Runs `npx vls …` in a checkout: installs missing dependencies, and runs cli/main.ts with Node 24. Without static
// imports, an old Node can print the message about its version.
void import('node:url').then(({ fileURLToPath }) => {
  // called.ts derives the command that messages name from this path.
  process.env.VLS_SCRIPT = process.argv[1];
  process.argv.splice(2, 0, fileURLToPath(new URL('./main.ts', import.meta.url)));
  return import('../start/bootstrap.js');
});
