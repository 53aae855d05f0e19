export interface LoadOptions {
  /** Tenants share the maximum number of requests to a host fairly. */
  tenant?: string | undefined;
  /** True when a client waits for the result. The download timeout then limits the wait for a host that backs off. */
  interactive?: boolean | undefined;
  signal?: AbortSignal | undefined;
}
