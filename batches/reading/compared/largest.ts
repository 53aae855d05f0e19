/** An item with its cosines in two batches, in millionths. */
export interface Pair {
  index: number;
  own: number;
  its: number;
}

export class Largest {
  private kept: (Pair & { value: number })[] = [];
  private least = Number.NEGATIVE_INFINITY;
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  add(value: number, index: number, own: number, its: number): void {
    if (value <= 0 || value <= this.least || this.most === 0) return;
    this.kept.push({ value, index, own, its });
    if (this.kept.length < 4 * this.most) return;
    this.kept = this.sorted();
    this.least = this.kept.at(-1)?.value ?? this.least;
  }

  pairs(): Pair[] {
    return this.sorted();
  }

  private sorted() {
    return this.kept.sort((a, b) => b.value - a.value || a.index - b.index).slice(0, this.most);
  }
}
