export interface ShownPair {
  key: string | number;
  /** The http(s) address of the image; null for an image that was sent as a file or as bytes. */
  image: string | null;
  text: string;
  note: string;
  value: string;
}
