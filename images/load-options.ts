/** The caller for whom an image is loaded, and how it waits. */
export interface LoadOptions {
  /** The tenant of the caller. Tenants share the requests to a host fairly. */
  tenant?: string | undefined;
  /**
   * True when a client waits for the result. If the host has asked to back off, the caller then waits no longer than
   * the download timeout.
   */
  interactive?: boolean | undefined;
  /** Aborts the download and closes its connection. */
  signal?: AbortSignal | undefined;
}
