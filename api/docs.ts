import express, { Router } from 'express';
// The main module of the package would load both bundles for browsers, a tenth of the start of the API.
import getAbsoluteFSPath from 'swagger-ui-dist/absolute-path.js';
import { prefix } from '../shared/contracts/paths.ts';

const page = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Vision-language similarity: API</title>
  <link rel="stylesheet" href="${prefix}/docs/assets/swagger-ui.css">
  <link rel="icon" href="${prefix}/docs/assets/favicon-32x32.png">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="${prefix}/docs/assets/swagger-ui-bundle.js"></script>
  <script src="${prefix}/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: ${JSON.stringify(`${prefix}/openapi.json`)}, dom_id: '#swagger-ui', deepLinking: true });\n`;

/** Serves Swagger UI from its npm package, without loading from other hosts. */
export function docsRouter(): Router {
  const router = Router();
  router.get('/', (_request, response) => void response.type('html').send(page));
  router.get('/start.js', (_request, response) => void response.type('js').send(start));
  router.use('/assets', express.static(getAbsoluteFSPath(), { index: false, maxAge: '1h' }));
  return router;
}
