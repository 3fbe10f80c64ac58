// Page faults, page tables, areas, the page and slab allocators.

const SCENARIOS = "test/kernel/scenarios";
const MM = "test/kernel/mm";
const FAULT = "test/kernel/arch/i386/mm/fault.test.ts";
const MMAP = `${MM}/mmap.test.ts`;
const CALLS = `${SCENARIOS}/mmap.test.ts`;
const SYSCALLS = `${SCENARIOS}/syscalls.test.ts`;
const PAGES = `${MM}/page_alloc.test.ts`;
const SLAB = `${MM}/slab.test.ts`;
const EXEC = "test/kernel/fs/exec.test.ts";

export default [
  {
    name: "kernel code can be written",
    file: "kernel/arch/i386/mm/init.ts",
    old: "(is_constant ? PAGE_KERNEL_RO : PAGE_KERNEL)",
    new: "(is_constant ? PAGE_KERNEL : PAGE_KERNEL)",
    tests: ["test/kernel/arch/i386/mm/init.test.ts"],
  },
  {
    name: "the parent keeps its pages writable",
    file: "kernel/mm/memory.ts",
    old: "      pte = pte_wrprotect(pte);\n      m.write32(source, pte);",
    new: "      pte = pte_wrprotect(pte);",
    tests: [MMAP],
  },
  {
    name: "fork does not count its frames",
    file: "kernel/mm/memory.ts",
    old: "          if (counted !== 0) yield* get_page(counted);\n",
    new: "",
    tests: [MMAP],
  },
  {
    name: "the last user of a page copies it",
    file: "kernel/mm/memory.ts",
    old: "    if (!reserved && count_before === 1) {",
    new: "    if (!reserved && count_before === 0) {",
    tests: [MMAP],
  },
  {
    name: "two users of a page write to the same",
    file: "kernel/mm/memory.ts",
    old: "    if (!reserved && count_before === 1) {",
    new: "    if (!reserved && count_before <= 2) {",
    tests: [MMAP],
  },
  {
    name: "a copied page stays the old one's user",
    file: "kernel/mm/memory.ts",
    old: "    yield* put_page(old_page);\n    yield* put_page(old_page);\n    kstat",
    new: "    yield* put_page(old_page);\n    kstat",
    tests: [MMAP],
  },
  {
    name: "munmap leaves the TLB",
    file: "kernel/mm/memory.ts",
    old: "      address = next;\n    }\n    yield* flush_tlb_mm(mm_address);\n    yield* spin_unlock(mm.page_table_lock.address);",
    new: "      address = next;\n    }\n    yield* spin_unlock(mm.page_table_lock.address);",
    tests: [CALLS, SYSCALLS],
  },
  {
    name: "a stack grows without end",
    file: "kernel/mm/mmap.ts",
    old: "  if (vma.vm_end - start > STACK_LIMIT) return -ENOMEM;\n",
    new: "",
    tests: [MMAP],
  },
  {
    name: "enter and pushal do not grow the stack",
    file: "kernel/arch/i386/mm/fault.ts",
    old: "const BELOW_ESP = 32;",
    new: "const BELOW_ESP = 0;",
    tests: [FAULT],
  },
  {
    name: "a write to a read-only area is let through",
    file: "kernel/arch/i386/mm/fault.ts",
    old: "  if (error_code & PF_WRITE) return vma.vm_flags & VM_WRITE ? found : 0;",
    new: "  if (error_code & PF_WRITE) return found;",
    tests: [FAULT],
  },
  {
    name: "a bad pointer in a system call is an oops",
    file: "kernel/arch/i386/mm/fault.ts",
    old: "    regs.eip = fixup;\n    return;",
    new: "    regs.eip = fixup;",
    tests: [SYSCALLS],
  },
  {
    name: "mprotect leaves the TLB",
    file: "kernel/mm/mprotect.ts",
    old: "  yield* flush_tlb_mm(vma.vm_mm);\n",
    new: "",
    tests: [CALLS],
  },
  {
    name: "a freed block is not merged with its buddy",
    file: "kernel/mm/page_alloc.ts",
    old: "    if ((buddy.flags & PG_buddy) === 0 || buddy.private !== merged) break;",
    new: "    if ((buddy.flags & PG_buddy) === 0 || buddy.private !== merged || merged > 2) break;",
    tests: [PAGES],
  },
  {
    name: "a full slab stays among those with room",
    file: "kernel/mm/slab.ts",
    old: "  if (was_free || full) {",
    new: "  if (was_free) {",
    tests: [SLAB],
  },
  {
    name: "an object that is freed twice is taken for one in use",
    file: "kernel/mm/slab.ts",
    old: "  m.write32(bufctl(slab, index), view.free);\n  view.free = index;",
    new: "  view.free = index;",
    tests: [SLAB],
  },
  {
    name: "the page of zeros is not cleared",
    file: "kernel/arch/i386/mm/init.ts",
    old: '  yield* clear_page(image().symbol("empty_zero_page"));\n',
    new: "",
    tests: ["test/kernel/poison.test.ts"],
  },
  {
    name: "munmap leaves the area that was found last",
    file: "kernel/mm/mmap.ts",
    old: "    mm.mmap_cache = 0;\n    for (let at",
    new: "    for (let at",
    tests: [CALLS],
  },
  {
    name: "shared memory is copied on write after a fork",
    file: "kernel/mm/memory.ts",
    old: "(flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE",
    new: "(flags & VM_MAYWRITE) !== 0",
    tests: [CALLS],
  },
  {
    name: "a freed block is merged with a smaller one",
    file: "kernel/mm/page_alloc.ts",
    old: "(buddy.flags & PG_buddy) === 0 || buddy.private !== merged) break;",
    new: "(buddy.flags & PG_buddy) === 0) break;",
    tests: [PAGES],
  },
  {
    name: "segments of a program may lie on each other",
    file: "kernel/fs/binfmt_elf.ts",
    old: "page_align_down(p_vaddr) >= end && ",
    new: "",
    tests: [EXEC],
  },
];
