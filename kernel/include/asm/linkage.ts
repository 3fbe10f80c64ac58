/** How functions of `.S` files are called (include/linux/linkage.h). */
import type { FunctionOptions } from "../../host/declarations.ts";

/** Arguments come in EAX, EDX and ECX, and what is called saves a load for each. */
export const FASTCALL: FunctionOptions = { fastcall: true };
