/** Reads expressions: C's operators and precedence, casts to the kernel's types, `$registers`. */
import { BINARY_OPERATORS } from "../../../asm/c-operators.ts";
import { ExpressionError } from "./errors.ts";
import { type Token, tokenize } from "./lexer.ts";
import type { Argument, Node, TypeName } from "./syntax.ts";
import { TYPE_WORDS } from "./types.ts";

/** C's by precedence, and then gdb's own: it binds tighter, so that `p *list@n + 1` is what it looks like. */
const LEVELS = [...BINARY_OPERATORS, ["@"]];
const ASSIGNMENTS = ["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="];
const UNARY = ["-", "+", "~", "!", "*", "&"];
const DEEPEST = 200;

/**
 * @param isType whether a name is that of a type, so that `(name *)` is a cast
 * @throws ExpressionError when the text is no expression
 */
export function parseExpression(text: string, isType: (name: string) => boolean): Node {
  return new Parser(text, isType).whole();
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(
    readonly text: string,
    readonly isType: (name: string) => boolean,
  ) {
    this.#tokens = tokenize(text);
  }

  whole(): Node {
    const node = this.#assignment();
    if (this.#token.kind !== "end") this.#fail(`an operator is expected here, not '${this.#token.text}'`);
    return node;
  }

  get #token(): Token {
    return this.#tokens[this.#next];
  }

  #fail(message: string, token: Token = this.#token): never {
    throw new ExpressionError(message, this.text, token.column);
  }

  #accept(text: string): Token | undefined {
    const token = this.#token;
    if (token.kind !== "operator" || token.text !== text) return undefined;
    this.#next++;
    return token;
  }

  #expect(text: string, after: string): Token {
    return this.#accept(text) ?? this.#fail(`'${text}' is missing ${after}`);
  }

  #assignment(): Node {
    if (++this.#depth > DEEPEST) this.#fail("too many assignments in a row");
    const left = this.#conditional();
    const token = this.#token;
    let node = left;
    if (token.kind === "operator" && ASSIGNMENTS.includes(token.text)) {
      this.#next++;
      const operator = token.text.slice(0, -1);
      node = { kind: "assignment", operator, left, right: this.#assignment(), column: token.column };
    }
    this.#depth--;
    return node;
  }

  #conditional(): Node {
    if (++this.#depth > DEEPEST) this.#fail("too many parentheses");
    const condition = this.#binary(0);
    this.#depth--;
    const mark = this.#accept("?");
    if (mark === undefined) return condition;
    const then = this.#conditional();
    this.#expect(":", "between the two results of '?'");
    return { kind: "conditional", condition, then, otherwise: this.#conditional(), column: mark.column };
  }

  #binary(level: number): Node {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = this.#token;
      if (operator.kind !== "operator" || !operators.includes(operator.text)) return left;
      this.#next++;
      left = { kind: "binary", operator: operator.text, left, right: this.#binary(level + 1), column: operator.column };
    }
  }

  #unary(): Node {
    if (++this.#depth > DEEPEST) this.#fail("too many operators in a row");
    try {
      const token = this.#token;
      if (token.kind === "operator" && UNARY.includes(token.text)) {
        this.#next++;
        return { kind: "unary", operator: token.text, operand: this.#unary(), column: token.column };
      }
      if (token.kind === "name" && token.text === "sizeof") return this.#sizeof();
      if (token.text === "(" && this.#isTypeAt(this.#next + 1)) {
        this.#next++;
        const type = this.#typeName();
        this.#expect(")", "after the type");
        return { kind: "cast", type, operand: this.#unary(), column: token.column };
      }
      return this.#postfix(this.#primary());
    } finally {
      this.#depth--;
    }
  }

  #sizeof(): Node {
    const { column } = this.#token;
    this.#next++;
    if (this.#token.text === "(" && this.#isTypeAt(this.#next + 1)) {
      this.#next++;
      const type = this.#typeName();
      this.#expect(")", "after the type");
      return { kind: "sizeof", type, operand: undefined, column };
    }
    return { kind: "sizeof", type: undefined, operand: this.#unary(), column };
  }

  #isTypeAt(index: number): boolean {
    const token = this.#tokens[index];
    if (token?.kind !== "name") return false;
    return TYPE_WORDS.has(token.text) || this.isType(token.text);
  }

  #typeName(): TypeName {
    const first = this.#token;
    const words: string[] = [];
    while (this.#token.kind === "name") {
      words.push(this.#token.text);
      this.#next++;
    }
    let stars = 0;
    while (this.#accept("*") !== undefined) stars++;
    const lengths: number[] = [];
    while (this.#accept("[") !== undefined) {
      if (this.#token.kind !== "number") this.#fail("a number of elements is expected");
      lengths.push(Number(this.#token.value));
      this.#next++;
      this.#expect("]", "after the number of elements");
    }
    return { name: words.join(" "), stars, lengths, column: first.column };
  }

  #postfix(primary: Node): Node {
    let object = primary;
    for (;;) {
      const selector = this.#accept(".") ?? this.#accept("->");
      if (selector !== undefined) {
        const field = this.#token;
        if (field.kind !== "name") this.#fail("the name of a member is expected");
        this.#next++;
        object = { kind: "member", object, field: field.text, column: field.column };
        continue;
      }
      const bracket = this.#accept("[");
      if (bracket === undefined) return object;
      const index = this.#conditional();
      this.#expect("]", "after the index");
      object = { kind: "index", object, index, column: bracket.column };
    }
  }

  #primary(): Node {
    const token = this.#token;
    const { column } = token;
    this.#next++;
    switch (token.kind) {
      case "number":
        return { kind: "number", value: token.value, type: token.type, column };
      case "variable":
        return { kind: "variable", name: token.text.slice(1), column };
      case "name":
        return this.#accept("(") === undefined
          ? { kind: "name", name: token.text, column }
          : { kind: "call", name: token.text, args: this.#arguments(), column };
      case "operator":
        if (token.text === "(") {
          const inner = this.#assignment();
          this.#expect(")", "to close the parenthesis");
          return inner;
        }
        return this.#fail(`a value is expected here, not '${token.text}'`, token);
      default:
        return this.#fail("the expression ends too early: a value is expected", token);
    }
  }

  #arguments(): Argument[] {
    const args: Argument[] = [];
    if (this.#accept(")") !== undefined) return args;
    do {
      args.push(this.#isTypeAt(this.#next) ? { type: this.#typeName() } : { node: this.#conditional() });
    } while (this.#accept(",") !== undefined);
    this.#expect(")", "after the arguments");
    return args;
  }
}
