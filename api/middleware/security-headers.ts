import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Response headers that protect the pages. Inline styles are allowed because Bull Board and Swagger UI use them. */
export const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'self'"],
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      // Images may be on any host, and they cannot run code. Operators see images of other tenants only after a click
      // (`web/ui/pairs.tsx`).
      'img-src': ["'self'", 'data:', 'blob:', 'https:', 'http:'],
      'connect-src': ["'self'"],
      'object-src': ["'none'"],
      'base-uri': ["'self'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  },
  // With `no-referrer`, browsers omit the Origin header of the sign-in form, and the service would refuse the form.
  referrerPolicy: { policy: 'same-origin' },
  // The service speaks HTTP only; a TLS proxy sets this header.
  strictTransportSecurity: false,
});

/**
 * Keeps responses out of shared caches, because they depend on the caller's key or cookie. Browsers must revalidate
 * stored responses before each use.
 */
export const keepPrivate: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'private, no-cache');
  next();
};
