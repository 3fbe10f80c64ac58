// What all builds by esbuild have in common.

export const MODULE_SETTINGS = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "warning",
  // Constants of other modules become numbers where they are used.
  minifySyntax: true,
};
