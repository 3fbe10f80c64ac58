/** A few things that took long to make, to be had again: those used last. */
export class Recent<T> {
  /** Those used last are at the end. */
  readonly #kept: T[] = [];

  /** @param most how many are kept */
  constructor(readonly most: number) {}

  /** The first that is like this, as the one used last; undefined when there is none. */
  take(isLike: (one: T) => boolean): T | undefined {
    const at = this.#kept.findIndex(isLike);
    if (at < 0) return undefined;
    const [found] = this.#kept.splice(at, 1);
    this.#kept.push(found);
    return found;
  }

  keep(one: T): void {
    this.#kept.push(one);
    if (this.#kept.length > this.most) this.#kept.shift();
  }
}
