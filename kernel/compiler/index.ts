/** The compiler of hosted functions: TypeScript in which each statement becomes one guest instruction. */
export { hosted_functions } from "./esbuild.ts";
export { type Import, imports_of, type JavaScript, javascript } from "./javascript.ts";
export { own_project, Project, type ProjectOptions } from "./project.ts";
export { Refusal, type RefusedPlace } from "./refusal.ts";
export { type HostedPlugin, type HostedPluginOptions, hosted } from "./vite.ts";
