/** Keeps the largest numbers that were added, each with the index of its item. */
export class Largest {
  private kept: { value: number; index: number }[] = [];
  private least = Number.NEGATIVE_INFINITY;
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  add(value: number, index: number): void {
    if (value <= 0 || value <= this.least || this.most === 0) return;
    this.kept.push({ value, index });
    if (this.kept.length < 4 * this.most) return;
    this.kept = this.sorted();
    this.least = this.kept.at(-1)?.value ?? this.least;
  }

  /** Returns the indexes of the largest numbers, the largest first. */
  indexes(): number[] {
    return this.sorted().map(({ index }) => index);
  }

  private sorted() {
    return this.kept.sort((a, b) => b.value - a.value || a.index - b.index).slice(0, this.most);
  }
}
