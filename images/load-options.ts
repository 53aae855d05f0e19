/** Facts about the caller that loads an image. */
export interface LoadOptions {
  /** The tenant of the caller. Tenants share the requests to a host fairly. */
  tenant?: string | undefined;
  /**
   * True when a client waits for the result. A wait for a host that asked us to back off then ends with the timeout.
   */
  interactive?: boolean | undefined;
  /** Aborts the download and closes its connection. */
  signal?: AbortSignal | undefined;
}
