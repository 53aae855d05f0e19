export interface LoadOptions {
  /** Tenants share the maximum number of requests to a host fairly. */
  tenant?: string | undefined;
  /**
   * True when a client waits for the result. The wait for a host that backs off is then limited to the download
   * timeout.
   */
  interactive?: boolean | undefined;
  signal?: AbortSignal | undefined;
}
