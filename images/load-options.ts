export interface LoadOptions {
  /** The tenant of the request. The requests that a host may get at a time are divided fairly among tenants. */
  tenant?: string | undefined;
  /** True when a client waits for the result. The download timeout then limits the wait for a host that backs off. */
  interactive?: boolean | undefined;
  signal?: AbortSignal | undefined;
}
