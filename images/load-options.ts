/** The caller for whom an image is loaded, and the kind of its work. */
export interface LoadOptions {
  /** The tenant of the caller. Tenants share the maximum number of requests to a host fairly. */
  tenant?: string | undefined;
  /**
   * True when a client waits for the result. If the host has asked the service to back off, the wait is then no longer
   * than the download timeout.
   */
  interactive?: boolean | undefined;
  /** Aborts the download and closes its connection. */
  signal?: AbortSignal | undefined;
}
