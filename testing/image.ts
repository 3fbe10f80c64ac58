/** The kernel that tests boot: linked once for a process, and once for each choice of modules beside its own. */
import { type KernelImage, link_kernel } from "../kernel/index.ts";
import { prebuiltKernel } from "../prebuilt/index.ts";

let own: KernelImage | undefined;
const linked: { readonly modules: readonly object[]; readonly image: KernelImage }[] = [];

/** The kernel with modules of a test's own. @throws TypeError for a module that was not compiled; LinkError */
export function testImage(modules: readonly object[] = []): KernelImage {
  if (modules.length === 0) return (own ??= prebuiltKernel());
  const known = linked.find(
    (one) => one.modules.length === modules.length && one.modules.every((module, i) => module === modules[i]),
  );
  if (known !== undefined) return known.image;
  const image = link_kernel({ modules });
  linked.push({ modules, image });
  return image;
}
