import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Sets response headers that isolate the pages: scripts, fonts and connections of this origin only, no embedding in
 * frames, no guessing of content types. Inline styles are allowed because Bull Board and Swagger UI use them; inline
 * scripts are not.
 */
export const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'self'"],
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      // An item's image may be on any host. The browser of a tenant loads the images of its own batches, and sends no
      // referrer. The browser of an operator loads images of other tenants only when the operator clicks
      // (`web/ui/pairs.tsx`). Images cannot run code.
      'img-src': ["'self'", 'data:', 'blob:', 'https:', 'http:'],
      'connect-src': ["'self'"],
      'object-src': ["'none'"],
      'base-uri': ["'self'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  },
  // `no-referrer` would make a browser omit the Origin header of the sign-in form, which would then be refused.
  referrerPolicy: { policy: 'same-origin' },
  // The service itself speaks HTTP. The TLS proxy in front of the service sets the header Strict-Transport-Security.
  strictTransportSecurity: false,
});

/**
 * Keeps responses out of shared caches, since they depend on the caller's key or cookie. A browser may store a
 * response, but asks for a newer version before it uses the response again.
 */
export const keepPrivate: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'private, no-cache');
  next();
};
