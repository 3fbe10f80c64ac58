/**
 * Variables of a compiled module for what its functions' steps know from when the kernel is laid out: offsets of fields, layouts
 * of frames. They stand at module level, so that the steps can, too: V8 reads those once, when they are called first.
 */
export class ModuleVariables {
  readonly #taken: Set<string>;
  /** Names by what they hold. */
  readonly #constants = new Map<string, string>();
  readonly #names: string[] = [];

  /** @param taken names that the module binds */
  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  /** The variable that holds the value of an expression, which is the same in every function. */
  constant(text: string): string {
    let name = this.#constants.get(text);
    if (name === undefined) this.#constants.set(text, (name = this.another("$o")));
    return name;
  }

  /** A variable of its own. No function of the source has one of that name: see `Emitter.variable`. */
  another(name: string): string {
    let unique = name;
    for (let i = 1; this.#taken.has(unique); i++) unique = `${name}$${i}`;
    this.#taken.add(unique);
    this.#names.push(unique);
    return unique;
  }

  /** Statements that set the constants. */
  get assignments(): string {
    return [...this.#constants].map(([text, name]) => `${name} = ${text};`).join(" ");
  }

  /** Text that declares them. */
  get declaration(): string {
    // `var`: reading a `let` from a function would check each time that it is there.
    return this.#names.length === 0 ? "" : `var ${this.#names.join(", ")};`;
  }
}
