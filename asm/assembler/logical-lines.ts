/** Physical lines to logical ones: comments, continued lines, and which lines are directives of the preprocessor. */
import { APOSTROPHE, endOfCharacter, endOfString, opensCharacter, QUOTE } from "./characters.ts";

/** A line of text as the assembler reads it. */
export interface Line {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  /** Column of the first character of `text`. */
  readonly column: number;
  /** An error that stands in the line's place. */
  readonly fault?: string;
}

/**
 * A directive. After `# ` with a space only what can be nothing else counts, as `# if this fails …` is a comment.
 */
const DIRECTIVE = /^\s*#(define|undef|include|ifdef|ifndef|if|elif|else|endif|error|warning|pragma|line)\b(.*)$/;
const SPACED_DIRECTIVE = /^\s*#\s+(define|undef|include|ifdef|ifndef|else|endif|if|elif)\b(.*)$/;
const SPACED_SHAPES: Readonly<Record<string, RegExp>> = {
  define: /^\s+[A-Za-z_]\w*/,
  undef: /^\s+[A-Za-z_]\w*\s*$/,
  include: /^\s*["<]/,
  ifdef: /^\s+[A-Za-z_]\w*\s*$/,
  ifndef: /^\s+[A-Za-z_]\w*\s*$/,
  if: /^\s+!?\s*defined\b/,
  elif: /^\s+!?\s*defined\b/,
  else: /^\s*$/,
  endif: /^\s*$/,
};

export interface Directive {
  readonly name: string;
  readonly rest: string;
}

/** The directive in a line, undefined if it is an ordinary line. */
export function matchDirective(text: string): Directive | undefined {
  const match = DIRECTIVE.exec(text);
  if (match !== null) return { name: match[1], rest: match[2] };
  const spaced = SPACED_DIRECTIVE.exec(text);
  if (spaced === null || !SPACED_SHAPES[spaced[1]].test(spaced[2])) return undefined;
  return { name: spaced[1], rest: spaced[2] };
}

/** Lines without C comments; those that end in a backslash joined with the next. */
export function* logicalLines(text: string, file: string): Generator<Line> {
  const physical = text.split("\n");
  for (let index = 0; index < physical.length; index++) {
    const first = index;
    let joined = physical[index];
    if (joined.endsWith("\r")) joined = joined.slice(0, -1);
    if (joined.endsWith("\\")) {
      const parts: string[] = [];
      while (joined.endsWith("\\") && index + 1 < physical.length) {
        parts.push(joined.slice(0, -1));
        joined = physical[++index].replace(/\r$/, "");
      }
      joined = parts.join("") + joined;
    }
    if (joined.includes("/")) {
      const parts: string[] = [];
      let at = skipToComment(joined, 0);
      parts.push(joined.slice(0, at));
      while (at < joined.length && joined.charAt(at + 1) === "*") {
        let end = joined.indexOf("*/", at + 2);
        while (end < 0 && index + 1 < physical.length) {
          joined = physical[++index];
          end = joined.indexOf("*/");
          at = 0;
        }
        if (end < 0) {
          yield { text: "", file, line: first + 1, column: 1, fault: "the comment opened here has no */" };
          return;
        }
        const next = skipToComment(joined, end + 2);
        // Spaces keep the columns of what follows on the comment's line.
        parts.push(" ".repeat(Math.max(1, end + 2 - at)), joined.slice(end + 2, next));
        at = next;
      }
      joined = parts.join("");
    }
    yield { text: joined, file, line: first + 1, column: 1 };
  }
}

/** The offset of the next C comment outside of strings and `#` comments; the text's length if there is none. */
function skipToComment(text: string, start: number): number {
  const isDirective = start === 0 && matchDirective(text) !== undefined;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === APOSTROPHE && opensCharacter(text, at)) at = endOfCharacter(text, at);
    else if (code === 0x23 && !isDirective) return text.length;
    else if (code === 0x2f && (text.charAt(at + 1) === "*" || text.charAt(at + 1) === "/")) return at;
    else at++;
  }
  return text.length;
}

/** The line up to its `#` comment. */
export function withoutHashComment(text: string): string {
  if (!text.includes("#")) return text;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === APOSTROPHE && opensCharacter(text, at)) at = endOfCharacter(text, at);
    else if (code === 0x23) return text.slice(0, at);
    else at++;
  }
  return text;
}
