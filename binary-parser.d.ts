/** binary-parser ships its types beside its CommonJS build only, where module resolution does not look for them. */
declare module "binary-parser" {
  export { Parser } from "binary-parser/dist/binary_parser.js";
}
