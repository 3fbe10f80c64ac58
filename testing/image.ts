/** The kernel that tests boot: linked once for a process, and once for each choice of modules beside its own. */
import { type KernelImage, kernel_image, link_kernel } from "../kernel/index.ts";

const linked: { readonly modules: readonly object[]; readonly image: KernelImage }[] = [];

/** The kernel with modules of a test's own. @throws TypeError for a module that was not compiled; LinkError */
export function testImage(modules: readonly object[] = []): KernelImage {
  if (modules.length === 0) return kernel_image();
  const known = linked.find(
    (one) => one.modules.length === modules.length && one.modules.every((module, i) => module === modules[i]),
  );
  if (known !== undefined) return known.image;
  const image = link_kernel({ modules });
  linked.push({ modules, image });
  return image;
}
