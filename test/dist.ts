/** The command and the package as users have them. Whoever imports this has dist/ built before the tests: see build.ts. */
import { resolve } from "node:path";

/** Where `npm run build` puts them. */
export const DIST = resolve("dist");
/** The `esp0` command, for Node. */
export const ESP0 = `${DIST}/esp0.js`;
