/** The kernel that tests boot: linked once for a process, and once for each choice of modules beside its own. */
import { type Configuration, type KernelImage, link_kernel } from "../kernel/index.ts";
import { prebuiltKernel } from "../prebuilt/index.ts";

const linked: { readonly modules: readonly object[]; readonly config: string; readonly image: KernelImage }[] = [];

/**
 * The kernel with modules of a test's own.
 * @throws TypeError for a module that was not compiled; LinkError
 */
export function testImage(modules: readonly object[], whole: Configuration): KernelImage {
  const config = JSON.stringify(whole);
  const known = linked.find(
    (one) =>
      one.config === config &&
      one.modules.length === modules.length &&
      one.modules.every((module, i) => module === modules[i]),
  );
  if (known !== undefined) return known.image;
  const image = modules.length === 0 ? prebuiltKernel(whole) : link_kernel({ modules, config: whole });
  linked.push({ modules, config, image });
  return image;
}
