/** Who an image is loaded for. */
export interface LoadOptions {
  /** Tenants share the requests to a host fairly. */
  tenant?: string | undefined;
  /** Somebody waits for the answer: a host that backs off is waited for until the deadline of a download, and no longer. */
  interactive?: boolean | undefined;
  /** Aborts the download and closes its connection. */
  signal?: AbortSignal | undefined;
}
