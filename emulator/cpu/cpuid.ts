import { localApicPage } from "./apic-base.ts";
import type { Core } from "./core.ts";
import type { Op } from "./op.ts";
import { CPU_SIGNATURE, EAX, EBX, ECX, EDX } from "./state-layout.ts";

const FEATURE_APIC = 1 << 9;

/** Feature flags in EDX of leaf 1 (Intel SDM vol. 2, CPUID): what this CPU really has. */
export const FEATURES =
  (1 << 0) | // FPU
  (1 << 2) | // DE: debugging extensions
  (1 << 3) | // PSE: 4 MiB pages
  (1 << 4) | // TSC
  (1 << 5) | // MSR: RDMSR, WRMSR
  (1 << 8) | // CX8: CMPXCHG8B
  FEATURE_APIC | // while IA32_APIC_BASE has it enabled
  (1 << 11) | // SEP: SYSENTER, SYSEXIT
  (1 << 13) | // PGE: global pages
  (1 << 15); // CMOV

/**
 * "GenuineIntel", in EBX, EDX, ECX. Guests choose drivers and work-arounds by vendor and know nothing of any other
 * maker of this part; the brand string tells who it really is.
 */
const VENDOR = [0x756e6547, 0x49656e69, 0x6c65746e] as const;

const BASIC_LEAVES = 2;

/**
 * Leaf 2: descriptors of TLBs and caches, one a byte; the lowest byte of EAX says that one CPUID tells them all (SDM vol.
 * 2, CPUID, table 3-12). Those of the processor that the signature names: TLBs for instructions (01, 02) and data (03,
 * 04), L1 caches of 16 KiB (08, 0C), an L2 cache of 512 KiB (43).
 */
const CACHES = { eax: 0x03020101, edx: 0x0c040843 } as const;

const EXTENDED_BASE = 0x80000000 | 0;
const BRAND_FIRST = 0x80000002 | 0;
const BRAND_LAST = 0x80000004 | 0;
const BRAND = brandWords("esp0 i386 emulator");

/**
 * CPUID: identification by leaf in EAX; leaves that do not exist answer as the highest basic one. The signature is that
 * of a Pentium II, stepping 3: the first whose SYSENTER operating systems trust.
 */
export function cpuid(cpu: Core, _op: Op): void {
  const leaf = cpu.r[EAX];
  if (leaf === 0) answer(cpu, BASIC_LEAVES, VENDOR[0], VENDOR[2], VENDOR[1]);
  else if (leaf === EXTENDED_BASE) answer(cpu, BRAND_LAST, 0, 0, 0);
  else if (leaf === EXTENDED_BASE + 1) answer(cpu, 0, 0, 0, 0);
  else if (leaf >= BRAND_FIRST && leaf <= BRAND_LAST) {
    const first = (leaf - BRAND_FIRST) * 4;
    answer(cpu, BRAND[first], BRAND[first + 1], BRAND[first + 2], BRAND[first + 3]);
  } else if (leaf === 1) {
    const features = localApicPage(cpu) < 0 ? FEATURES & ~FEATURE_APIC : FEATURES;
    answer(cpu, CPU_SIGNATURE, cpu.id << 24, 0, features);
  } else answer(cpu, CACHES.eax, 0, 0, CACHES.edx);
}

function answer(cpu: Core, eax: number, ebx: number, ecx: number, edx: number): void {
  cpu.r[EAX] = eax;
  cpu.r[EBX] = ebx;
  cpu.r[ECX] = ecx;
  cpu.r[EDX] = edx;
}

/** 48 bytes of text, NUL padded, as twelve little-endian words. */
function brandWords(text: string): Int32Array {
  const words = new Int32Array(12);
  for (let i = 0; i < text.length; i++) words[i >> 2] |= text.charCodeAt(i) << (8 * (i & 3));
  return words;
}
