/** Assembly sources and their headers are imported as text; Vite and scripts/build.mjs both resolve the `?raw` suffix. */
declare module "*.S?raw" {
  const text: string;
  export default text;
}

declare module "*.h?raw" {
  const text: string;
  export default text;
}
