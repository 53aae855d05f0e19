export interface ShownPair {
  key: string | number;
  /** The address of the image; null for an image that cannot be shown. */
  image: string | null;
  text: string;
  note: string;
  value: string;
}
