/** A pair with what is said of it. */
export interface ShownPair {
  key: string | number;
  /** Its address; null for an inline image. */
  image: string | null;
  text: string;
  note: string;
  value: string;
}
