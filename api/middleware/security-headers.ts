import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Headers that keep pages to themselves: scripts, fonts and connections from this origin alone, no framing, no sniffing.
 * Inline styles are allowed because Bull Board and Swagger UI set them; inline scripts are not.
 */
export const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'self'"],
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      // The images of items are on any host. The browser of a tenant loads those of its own batches, without a referrer,
      // and those of others when an operator asks for them (`web/ui/pairs.tsx`). An image runs nothing here.
      'img-src': ["'self'", 'data:', 'blob:', 'https:', 'http:'],
      'connect-src': ["'self'"],
      'object-src': ["'none'"],
      'base-uri': ["'self'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  },
  // Without any referrer a browser names no origin either when it sends the sign-in form, and would be refused.
  referrerPolicy: { policy: 'same-origin' },
  // The service speaks HTTP; whoever puts TLS before it decides how long that is to be remembered.
  strictTransportSecurity: false,
});

/** LargeResponses depend on who asks, by a header or a cookie: no proxy may keep them, and a browser asks again. */
export const keepPrivate: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'private, no-cache');
  next();
};
