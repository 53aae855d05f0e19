import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Sets response headers that protect the pages. Scripts, fonts and connections must be of this origin. Pages may not be
 * embedded in frames, and browsers may not guess content types. Inline styles are allowed because Bull Board and
 * Swagger UI use them; inline scripts are not allowed.
 */
export const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'self'"],
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      // The image of an item may be on any host. The browser of a tenant loads the images of its own batches, without a
      // referrer. The browser of an operator loads images of other tenants only after a click (`web/ui/pairs.tsx`).
      // Images cannot run code.
      'img-src': ["'self'", 'data:', 'blob:', 'https:', 'http:'],
      'connect-src': ["'self'"],
      'object-src': ["'none'"],
      'base-uri': ["'self'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  },
  // With the value `no-referrer`, a browser would omit the Origin header when it submits the sign-in form, and the
  // service would refuse the form.
  referrerPolicy: { policy: 'same-origin' },
  // The service speaks HTTP only. A TLS proxy in front of it sets the header Strict-Transport-Security.
  strictTransportSecurity: false,
});

/**
 * Keeps responses out of shared caches, because they depend on the key or cookie of the caller. A browser may store a
 * response, but must ask for a newer version before each use.
 */
export const keepPrivate: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'private, no-cache');
  next();
};
