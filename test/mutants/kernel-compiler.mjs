// The compiler of hosted functions: what it refuses, and what it has counted.

const HOST = "test/kernel/compiler/host.test.ts";

export default [
  {
    name: "what a method goes through is not counted",
    file: "kernel/compiler/turns.ts",
    old: "return WALKING.test(owner) && ",
    new: 'return WALKING.test(owner) && owner !== "Array" && ',
    tests: ["test/kernel/compiler/turns.test.ts"],
  },
  {
    name: "memory() is kept across steps",
    file: "kernel/compiler/places.ts",
    old: "    if (meaning.is_ambient(node)) return true;\n",
    new: "",
    tests: ["test/kernel/compiler/differential.test.ts"],
  },
  {
    name: "a target behind a type is no assignment",
    file: "kernel/compiler/assignments.ts",
    old: "if (is_wrapper(target)) {",
    new: "if (ts.isParenthesizedExpression(target)) {",
    tests: ["test/kernel/compiler/differential.test.ts"],
  },
  {
    name: "hosted code may draw random numbers",
    file: "kernel/compiler/host-names.ts",
    old: '"min", "round", "sign"',
    new: '"min", "random", "round", "sign"',
    tests: [HOST],
  },
  {
    name: "any list may grow in hosted code",
    file: "kernel/compiler/host-use.ts",
    old: 'made_here(object, root, this.meaning) === "list"',
    new: "true",
    tests: [HOST],
  },
  {
    name: "variables of outer functions are taken for a function's own",
    file: "kernel/compiler/host-state.ts",
    old: "return declaration === undefined || is_within(declaration, root) ? undefined : on_host(node.text);",
    new: "return declaration?.parent.parent.parent.kind !== ts.SyntaxKind.SourceFile ? undefined : on_host(node.text);",
    tests: [HOST],
  },
  {
    name: "what a type hides may be changed",
    file: "kernel/compiler/render.ts",
    old: "while (is_wrapper(at.parent)) at = at.parent;",
    new: "",
    tests: [HOST],
  },
  {
    name: "plain functions may call themselves",
    file: "kernel/compiler/reach.ts",
    old: "if (!this.#is_macro(used)) refuse(inner, itself(inner));",
    new: "",
    tests: [HOST],
  },
  {
    name: "calls without a loop are not counted",
    file: "kernel/compiler/reach.ts",
    old: "calls += found.calls;",
    new: "calls++;",
    tests: [HOST],
  },
  {
    name: "callbacks are not counted",
    file: "kernel/compiler/turns.ts",
    old: "if (is_function_literal(node) && is_passed_on(node, meaning))",
    new: "if (is_function_literal(node) && file === undefined)",
    tests: [HOST],
  },
  {
    name: "texts may double in a template",
    file: "kernel/compiler/turns.ts",
    old: "if (!ts.isTemplateExpression(node) && !is_sum(node)) return false;",
    new: "if (!is_sum(node)) return false;",
    tests: [HOST],
  },
  {
    name: "a renamed export is looked for by its old name",
    file: "kernel/compiler/imports.ts",
    old: "for (const exported of exports.values()) if (meaning.behind_import(exported) === symbol) return exported.name;",
    new: "",
    tests: [HOST],
  },
];
