/** What the service process tells its supervisor over the IPC channel. */
export type ServiceMessage =
  /** It listens and its model is loaded. `url` is the origin, without the prefix: `http://127.0.0.1:8000`. */
  | { readonly type: 'ready'; readonly url: string }
  /** It cannot start and trying again would not help: a port in use, a wrong setting. One line for the person. */
  | { readonly type: 'fatal'; readonly message: string };
