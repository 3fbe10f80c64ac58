/**
 * The macros that gcc 12 defines for assembler sources of the i386 (`gcc -m32 -E -dM -x assembler-with-cpp`), so that
 * headers shared with C take the branches meant for them. Left out are those of floating point and of code that is
 * independent of its position, which is not what is made here, and the names `i386`, `linux` and `unix`, which are the
 * programmer's own.
 */
import { type Definition, parseDefinition } from "./preprocessor-macros.ts";

const INTEGERS = ["8", "16", "32", "64"].flatMap((bits) => {
  const suffix = bits === "64" ? "LL" : "";
  const paste = (letters: string): string => (letters === "" ? "c" : `c ## ${letters}`);
  const unsigned = bits === "64" || bits === "32" ? `U${suffix}` : "";
  const most = "f".repeat(Number(bits) / 4);
  const least = `7${most.slice(1)}`;
  return [
    `__INT${bits}_C(c) ${paste(suffix)}`,
    `__UINT${bits}_C(c) ${paste(unsigned)}`,
    `__INT${bits}_MAX__ 0x${least}${suffix}`,
    `__UINT${bits}_MAX__ 0x${most}${unsigned}`,
    `__INT_LEAST${bits}_MAX__ 0x${least}${suffix}`,
    `__UINT_LEAST${bits}_MAX__ 0x${most}${unsigned}`,
    `__INT_FAST${bits}_MAX__ ${bits === "64" ? "0x7fffffffffffffffLL" : bits === "8" ? "0x7f" : "0x7fffffff"}`,
    `__UINT_FAST${bits}_MAX__ ${bits === "64" ? "0xffffffffffffffffULL" : bits === "8" ? "0xff" : "0xffffffffU"}`,
  ];
});

const SIZES = Object.entries({
  SHORT: 2,
  INT: 4,
  LONG: 4,
  LONG_LONG: 8,
  POINTER: 4,
  PTRDIFF_T: 4,
  SIZE_T: 4,
  WCHAR_T: 4,
  WINT_T: 4,
  FLOAT: 4,
  DOUBLE: 8,
  LONG_DOUBLE: 12,
}).map(([type, bytes]) => `__SIZEOF_${type}__ ${bytes}`);

const TABLE = `
  __ASSEMBLER__ 1
  __GNUC__ 12
  __GNUC_MINOR__ 2
  __GNUC_PATCHLEVEL__ 0
  __VERSION__ "12.2.0"
  __GNUC_STDC_INLINE__ 1
  __GXX_ABI_VERSION 1017
  __GCC_HAVE_DWARF2_CFI_ASM 1
  __STDC__ 1
  __STDC_HOSTED__ 1
  __NO_INLINE__ 1
  __ELF__ 1
  __i386 1
  __i386__ 1
  __i686 1
  __i686__ 1
  __pentiumpro 1
  __pentiumpro__ 1
  __code_model_32__ 1
  __ILP32__ 1
  _ILP32 1
  __linux 1
  __linux__ 1
  __gnu_linux__ 1
  __unix 1
  __unix__ 1
  __ORDER_LITTLE_ENDIAN__ 1234
  __ORDER_BIG_ENDIAN__ 4321
  __ORDER_PDP_ENDIAN__ 3412
  __BYTE_ORDER__ __ORDER_LITTLE_ENDIAN__
  __FLOAT_WORD_ORDER__ __ORDER_LITTLE_ENDIAN__
  __USER_LABEL_PREFIX__
  __REGISTER_PREFIX__
  __BIGGEST_ALIGNMENT__ 16
  __CHAR_BIT__ 8
  __SCHAR_MAX__ 0x7f
  __SHRT_MAX__ 0x7fff
  __INT_MAX__ 0x7fffffff
  __LONG_MAX__ 0x7fffffffL
  __LONG_LONG_MAX__ 0x7fffffffffffffffLL
  __INTMAX_MAX__ 0x7fffffffffffffffLL
  __UINTMAX_MAX__ 0xffffffffffffffffULL
  __INTPTR_MAX__ 0x7fffffff
  __UINTPTR_MAX__ 0xffffffffU
  __PTRDIFF_MAX__ 0x7fffffff
  __SIZE_MAX__ 0xffffffffU
  __WCHAR_MAX__ 0x7fffffffL
  __WCHAR_MIN__ (-__WCHAR_MAX__ - 1)
  __WINT_MAX__ 0xffffffffU
  __WINT_MIN__ 0U
  __SCHAR_WIDTH__ 8
  __SHRT_WIDTH__ 16
  __INT_WIDTH__ 32
  __LONG_WIDTH__ 32
  __LONG_LONG_WIDTH__ 64
  __PTRDIFF_WIDTH__ 32
  __SIZE_WIDTH__ 32
  __INTMAX_C(c) c ## LL
  __UINTMAX_C(c) c ## ULL
  __DATE__ "??? ?? ????"
  __TIME__ "??:??:??"
`;

/** By name. Dates are those that gcc gives when it can't find them out: what is assembled does not depend on the day. */
export const PREDEFINED: ReadonlyMap<string, Definition> = new Map(
  [...TABLE.trim().split("\n"), ...INTEGERS, ...SIZES].map((row) => parseDefinition(` ${row.trim()}`)),
);
