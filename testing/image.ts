/** The kernel that tests boot: linked once for a process, and again when modules have added to it. */
import { KernelImage, link_kernel } from "../kernel/index.ts";
import { declarations } from "../kernel/inspect.ts";

let linked: { readonly image: KernelImage; readonly declared: number } | undefined;

/** The kernel with everything that has been declared so far. */
export function testImage(): KernelImage {
  const { functions, data } = declarations();
  const declared = functions.length + data.length;
  if (linked?.declared !== declared) linked = { image: KernelImage.from_linked(link_kernel()), declared };
  return linked.image;
}
