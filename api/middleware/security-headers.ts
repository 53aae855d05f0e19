import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Response headers that isolate the pages: scripts, fonts and connections of this origin only, no framing, no sniffing.
 * Inline styles are allowed because Bull Board and Swagger UI set them; inline scripts are not.
 */
export const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'self'"],
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      // Item images may be on any host. A tenant's browser loads images of its own batches, without a referrer. It
      // loads those of other tenants only when an operator clicks for them (`web/ui/pairs.tsx`). Images cannot run
      // code.
      'img-src': ["'self'", 'data:', 'blob:', 'https:', 'http:'],
      'connect-src': ["'self'"],
      'object-src': ["'none'"],
      'base-uri': ["'self'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  },
  // Without any referrer, a browser also omits the origin of the sign-in form, which would then be refused.
  referrerPolicy: { policy: 'same-origin' },
  // The service speaks HTTP; the TLS proxy in front of it sets the policy for HTTPS.
  strictTransportSecurity: false,
});

/** Keeps responses out of shared caches: they depend on the caller's key or cookie. Browsers revalidate them. */
export const keepPrivate: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'private, no-cache');
  next();
};
