export interface ShownPair {
  key: string | number;
  /** The URL of the image; null for an inline image. */
  image: string | null;
  text: string;
  note: string;
  value: string;
}
