/** The caller of a load. */
export interface LoadOptions {
  /** Tenants share the requests to a host fairly. */
  tenant?: string | undefined;
  /** True when a client waits for the answer. The wait for a host that asked us to back off then ends with the timeout. */
  interactive?: boolean | undefined;
  /** Aborts the download and closes its connection. */
  signal?: AbortSignal | undefined;
}
