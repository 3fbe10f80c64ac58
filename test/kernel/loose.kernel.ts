/** Calls a function that is not there. */
import { asm_function, kernel_function } from "../../kernel/host/declarations.ts";

const defined_nowhere = asm_function("defined_nowhere", [], undefined);

export const calls_nothing = kernel_function("calls_nothing", [], undefined, function* () {
  yield* defined_nowhere();
});
