/** The kernel that tests boot: linked once for a process, and once for each choice of modules beside its own. */
import { type KernelImage, link_kernel } from "../kernel/index.ts";
import { prebuiltKernel } from "../prebuilt/index.ts";

const linked: { readonly modules: readonly object[]; readonly smp: boolean; readonly image: KernelImage }[] = [];

/**
 * The kernel with modules of a test's own.
 * @param smp whether for several CPUs
 * @throws TypeError for a module that was not compiled; LinkError
 */
export function testImage(modules: readonly object[] = [], smp = false): KernelImage {
  const known = linked.find(
    (one) =>
      one.smp === smp &&
      one.modules.length === modules.length &&
      one.modules.every((module, i) => module === modules[i]),
  );
  if (known !== undefined) return known.image;
  const image = modules.length === 0 ? prebuiltKernel(smp) : link_kernel({ modules, smp });
  linked.push({ modules, smp, image });
  return image;
}
