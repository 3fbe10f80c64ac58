/** Pieces of generated TypeScript that know which variables they use. */

/** A variable, or temporary value, of a hosted function; `frame.ts` gives it its slot. */
export interface Used {
  /** Its name in the generated text: unique in the function. */
  readonly js: string;
}

const NONE: ReadonlySet<Used> = new Set();

/** Text, with the variables it reads and assigns. Jumps in it are written by `Marks`. */
export class Code {
  constructor(
    readonly text: string,
    readonly uses: ReadonlySet<Used> = NONE,
    readonly assigns: ReadonlySet<Used> = NONE,
  ) {}

  static readonly EMPTY = new Code("");

  get is_empty(): boolean {
    return this.text === "";
  }

  /** Texts one after the other, as statements. */
  followed_by(next: Code): Code {
    if (this.is_empty) return next;
    return next.is_empty ? this : code`${this} ${next}`;
  }
}

/** A template of text and pieces of code: what the pieces use, the whole uses. */
export function code(strings: TemplateStringsArray, ...parts: readonly (Code | string | number)[]): Code {
  let text = strings[0];
  const uses = new Set<Used>();
  const assigns = new Set<Used>();
  parts.forEach((part, i) => {
    if (part instanceof Code) {
      text += part.text;
      for (const used of part.uses) uses.add(used);
      for (const used of part.assigns) assigns.add(used);
    } else text += part;
    text += strings[i + 1];
  });
  return new Code(text, uses, assigns);
}

/** Joined by a separator. */
export function list(parts: readonly Code[], separator = ", "): Code {
  return parts.reduce((all, part, i) => (i === 0 ? part : code`${all}${separator}${part}`), Code.EMPTY);
}

/** A place between two steps. */
export class Label {
  /** Index of the step behind it; set when it is placed. */
  index = -1;
}

const JUMP = /\ue001(\d+)\ue001/g;
const WRITE = /\ue002(\d+)\ue002/g;
const ADDRESS = /\ue003(\d+)\ue003/g;
const FRAME = /\ue004/g;

/** How marks are written in a step. */
export interface StepMarks {
  /** A statement that writes one to the frame. */
  readonly write: (variable: Used) => string;
  /** The address of what one is a view of. */
  readonly address: (variable: Used) => string;
  /** Bytes of the frame. */
  readonly frame: string;
  /** Statements that go so many steps on. */
  readonly jump: (distance: number) => string;
}

/** Labels of one function by the numbers that stand for them in text; likewise variables to be written to the frame. */
export class Marks {
  readonly #labels: Label[] = [];
  readonly #variables: Used[] = [];

  /** Text of a statement that goes to a label, to be resolved by `resolve`. */
  jump(label: Label): string {
    this.#labels.push(label);
    return `\ue001${this.#labels.length - 1}\ue001`;
  }

  /** Text of a statement that writes a variable to the frame. */
  write(variable: Used): string {
    this.#variables.push(variable);
    return `\ue002${this.#variables.length - 1}\ue002`;
  }

  /** Text of the address of what a variable is a view of. */
  address(variable: Used): string {
    this.#variables.push(variable);
    return `\ue003${this.#variables.length - 1}\ue003`;
  }

  /** Text of the bytes of the frame. */
  readonly frame = "\ue004";

  /** The label that a text goes to, if it does nothing else. */
  only_jump(text: string): Label | undefined {
    const number = /^\ue001(\d+)\ue001$/.exec(text)?.[1];
    return number === undefined ? undefined : this.#labels[Number(number)];
  }

  /**
   * The text of step number `index`.
   * @param behind where control goes from a label
   */
  resolve(
    text: string,
    index: number,
    behind: (label: Label) => number,
    { write, address, frame, jump }: StepMarks,
  ): string {
    return text
      .replace(WRITE, (_, number) => write(this.#variables[Number(number)]))
      .replace(ADDRESS, (_, number) => address(this.#variables[Number(number)]))
      .replace(FRAME, frame)
      .replace(JUMP, (_, number) => {
        return jump(behind(this.#labels[Number(number)]) - index);
      });
  }
}

/** FNV-1a, 32 bits. */
export function digest_of(texts: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
