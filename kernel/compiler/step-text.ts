/** Writes a step as text: the variables it uses are read from the frame, and those it assigns are written to it. */
import { Code, type Label, type Used } from "./code.ts";
import type { Context } from "./context.ts";
import type { Step } from "./emitter.ts";
import { AddressOf, Recomputed, type Variable } from "./environment.ts";
import { type Kind, words_of } from "./kinds.ts";

export class StepTexts {
  /** @param frame text of the bytes of the frame */
  constructor(
    private readonly context: Context,
    private readonly frame: string,
  ) {}

  /** Where control goes from a label: past steps that do nothing but go elsewhere. */
  readonly #behind = (label: Label): number => {
    const { steps, marks } = this.context.emitter;
    let { index } = label;
    for (let hops = 0; hops < steps.length; hops++) {
      const step = steps[index];
      const next = step?.body.is_empty ? marks.only_jump(step.tail.text) : undefined;
      if (next === undefined) break;
      index = next.index;
    }
    return index;
  };

  /** The text of a step, by its number in the function: a case of the switch labelled `$l` on the number `$s`. */
  of({ body, tail, calls }: Step, index: number): string {
    const { marks } = this.context.emitter;
    const uses = new Set([...body.uses, ...tail.uses]);
    const assigns = new Set([...body.assigns, ...tail.assigns]) as Set<Variable>;
    const addresses = [...uses].filter((used) => used instanceof AddressOf);
    const declared = new Set<Used>();
    const loaded: Variable[] = [];
    const prelude: string[] = [];
    const load = (used: Used): void => {
      if (declared.has(used)) return;
      declared.add(used);
      if (used instanceof Recomputed) {
        for (const inner of used.uses) load(inner);
        prelude.push(`const ${used.js} = ${used.text};`);
        return;
      }
      if (used instanceof AddressOf) {
        if (assigns.has(used.variable)) load(used.variable);
        else prelude.push(`const ${used.js} = $g.get(${this.#at(used.variable)});`);
        return;
      }
      const variable = used as Variable;
      if (variable.is_temporary && assigns.has(variable)) prelude.push(`let ${variable.js};`);
      else {
        const address = assigns.has(variable) ? undefined : addresses.find((one) => one.variable === variable);
        if (address !== undefined) load(address);
        loaded.push(variable);
        prelude.push(`let ${variable.js} = ${this.#read(variable, address?.js)};`);
      }
    };
    for (const used of uses) load(used);
    for (const assigned of assigns) if (!declared.has(assigned)) prelude.push(`let ${assigned.js};`);
    // A step that faults starts anew: what it has read before must be as it was, so those variables are written last, and
    // through the log of changes if something may still fault behind them.
    const changed = loaded.filter((variable) => assigns.has(variable));
    const is_logged = changed.length > 1 || (changed.length > 0 && (calls || words_of(this.#kind(changed[0])) === 2));
    const writes = [...assigns]
      .filter((variable) => !changed.includes(variable))
      .map((variable) => this.#write(variable));
    for (const variable of changed) writes.push(is_logged ? this.#write_logged(variable) : this.#write(variable));
    const text = [...prelude, body.text, ...writes, tail.text].filter((part) => part !== "").join(" ");
    const { steps } = this.context.emitter;
    const resolved = marks.resolve(text, index, this.#behind, {
      frame: this.frame,
      jump: (distance) => {
        if (distance === 1) return "";
        const to = index + distance;
        // What is checked where a function begins is checked whenever control gets there.
        if (to === 0 || to >= steps.length) return `$c.eip = ($c.eip + ${4 * (distance - 1)}) | 0; return;`;
        return `if (!$g.jump($b, ${distance})) return; $s = ${to}; continue $l;`;
      },
      write: (used) => this.#write(used as Variable),
      address: (used) => {
        const { js, variable } = used as AddressOf;
        return assigns.has(variable) ? `${variable.js}.address` : js;
      },
    });
    const target = marks.only_jump(tail.text);
    const goes_on = !calls && index + 1 < steps.length && (target === undefined || this.#behind(target) === index + 1);
    return `case ${index}: { ${resolved} ${goes_on ? "if (!$g.next($b, 1)) return;" : "return;"} }`;
  }

  #kind(variable: Variable): Kind {
    return this.context.inference.variable(variable);
  }

  #at(variable: Variable): string {
    if (variable.place !== undefined) return variable.place;
    return variable.offset < 0 ? `$b - ${-variable.offset}` : `$b + ${variable.offset}`;
  }

  /** @param word text of the word in its slot */
  #read(variable: Variable, word = `$g.get(${this.#at(variable)})`): string {
    const kind = this.#kind(variable);
    switch (kind.kind) {
      case "nothing":
        return "undefined";
      case "boolean":
        return `${word} !== 0`;
      case "view": {
        const struct = this.context.names.import_name(kind.struct.symbol, variable.node);
        return kind.nullable ? `$k.nullable(${struct}, ${word})` : `${struct}.at(${word})`;
      }
      case "number":
        if (kind.range === "wide") return `$k.wide(${word}, $g.get(${this.#at(variable)} + 4))`;
        if (variable.narrow !== undefined) return word + variable.narrow;
        return kind.range === "u32" ? `${word} >>> 0` : word;
    }
  }

  #write(variable: Variable): string {
    if (variable.is_elided) return "";
    const at = this.#at(variable);
    const { js } = variable;
    const kind = this.#kind(variable);
    const [word] = this.#words(variable, kind);
    if (word === undefined) return "";
    if (kind.kind !== "number") return `$g.put(${at}, ${word});`;
    if (kind.range === "wide") return `$k.store_wide($g, ${at}, ${js});`;
    if (variable.converts || this.context.inference.is_exact(variable)) return `$g.put(${at}, ${js});`;
    return `$k.store_${kind.range === "u32" ? "u32" : "i32"}($g, ${at}, ${js});`;
  }

  /** A write that is undone when the step faults. */
  #write_logged(variable: Variable): string {
    const kind = this.#kind(variable);
    const at = this.#at(variable);
    const [low, high] = this.#words(variable, kind);
    if (low === undefined) return "";
    if (high !== undefined) return `$g.write32(${at}, ${low}); $g.write32(${at} + 4, ${high});`;
    const is_checked = kind.kind === "number" && !variable.converts && !this.context.inference.is_exact(variable);
    return `$g.write32(${at}, ${low});${is_checked ? ` ${this.#write(variable)}` : ""}`;
  }

  /** Texts of the words that a variable takes in the frame. */
  #words({ js }: Variable, kind: Kind): string[] {
    return this.context.calls.words(new Code(js), kind).map(({ text }) => text);
  }
}
