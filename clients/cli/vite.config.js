import { fileURLToPath } from 'node:url';

/** Reduces the package.json of the service to what the command line reads of it. */
const versionOnly = (text) => JSON.stringify({ version: JSON.parse(text).version });

/** Bundles the command line and the packages that it uses into plain JavaScript for Node 20 (`npm run build:cli`). */
export default {
  root: fileURLToPath(new URL('../..', import.meta.url)),
  logLevel: 'warn',
  publicDir: false,
  plugins: [
    {
      name: 'version-only',
      enforce: 'pre',
      transform: { filter: { id: /[\\/]package\.json$/ }, handler: versionOnly },
    },
  ],
  build: {
    ssr: 'clients/cli/main.ts',
    outDir: 'clients/cli/dist',
    emptyOutDir: true,
    target: 'node20',
    // The licences of the bundled packages require their texts.
    license: { fileName: 'LICENSES.md' },
    rolldownOptions: { output: { entryFileNames: 'vls.js', chunkFileNames: '[name]-[hash].js' } },
  },
  ssr: { noExternal: true },
};
