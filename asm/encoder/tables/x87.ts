/**
 * x87 floating point (Intel SDM vol. 2) in AT&T spelling. With %st(i) as the destination, GNU as swaps the meaning of
 * fsub and fsubr, fdiv and fdivr against Intel's manuals (GNU as manual, "AT&T Syntax Bugs"); so does this table.
 */

import { hex } from "../template.ts";

const ARITHMETIC_NAMES = ["add", "mul", "com", "comp", "sub", "subr", "div", "divr"];

/** Register forms with a destination other than %st, the last opcode byte at %st(0), in AT&T's numbering. */
const TO_STACK = { add: 0xc0, mul: 0xc8, sub: 0xe0, subr: 0xe8, div: 0xf0, divr: 0xf8 };

const MEMORY_ARITHMETIC = ARITHMETIC_NAMES.map(
  (name, number) => `
    f${name}s   -  m       D8/${number}
    f${name}l   -  m       DC/${number}
    fi${name}s  -  m       DE/${number}
    fi${name}l  -  m       DA/${number}
    f${name}    -  sti     D8${hex(0xc0 + number * 8)}+r
  `,
);

const REGISTER_ARITHMETIC = Object.entries(TO_STACK).map(
  ([name, last]) => `
    f${name}    -  sti,st  D8${hex(last)}+r
    f${name}    -  st,sti  DC${hex(last)}+r
    f${name}p   -  st,sti  DE${hex(last)}+r
    f${name}p   -  sti     DE${hex(last)}+r
    f${name}p   -  .       DE${hex(last + 1)}
  `,
);

const CONDITIONAL_MOVES = [
  ["fcmovb|fcmovnae", "DAC0"],
  ["fcmove", "DAC8"],
  ["fcmovbe|fcmovna", "DAD0"],
  ["fcmovu", "DAD8"],
  ["fcmovae|fcmovnb", "DBC0"],
  ["fcmovne", "DBC8"],
  ["fcmova|fcmovnbe", "DBD0"],
  ["fcmovnu", "DBD8"],
].map(([names, opcode]) => `${names} - sti,st ${opcode}+r`);

const COMPARISONS = [
  ["fcomi", "DB", 0xf0],
  ["fcomip|fcompi", "DF", 0xf0],
  ["fucomi", "DB", 0xe8],
  ["fucomip|fucompi", "DF", 0xe8],
].map(
  ([names, first, last]) => `
    ${names}  -  sti,st  ${first}${hex(last as number)}+r
    ${names}  -  sti     ${first}${hex(last as number)}+r
    ${names}  -  .       ${first}${hex((last as number) + 1)}
  `,
);

const LOADS_AND_STORES = `
  fld                    -   sti     D9C0+r
  flds                   -   m       D9/0
  fldl                   -   m       DD/0
  fldt                   -   m       DB/5
  fst                    -   sti     DDD0+r
  fsts                   -   m       D9/2
  fstl                   -   m       DD/2
  fstp                   -   sti     DDD8+r
  fstps                  -   m       D9/3
  fstpl                  -   m       DD/3
  fstpt                  -   m       DB/7
  filds                  -   m       DF/0
  fildl                  -   m       DB/0
  fildll|fildq           -   m       DF/5
  fists                  -   m       DF/2
  fistl                  -   m       DB/2
  fistps                 -   m       DF/3
  fistpl                 -   m       DB/3
  fistpll|fistpq         -   m       DF/7
  fisttps                -   m       DF/1
  fisttpl                -   m       DB/1
  fisttpll|fisttpq       -   m       DD/1
  fbld                   -   m       DF/4
  fbstp                  -   m       DF/6
  fxch                   -   .       D9C9
  fxch                   -   sti     D9C8+r
  ffree                  -   sti     DDC0+r
  ffreep                 -   sti     DFC0+r
`;

const PLAIN = `
  fcom                   -   .       D8D1
  fcomp                  -   .       D8D9
  fcompp                 -   .       DED9
  fucom                  -   .       DDE1
  fucom                  -   sti     DDE0+r
  fucomp                 -   .       DDE9
  fucomp                 -   sti     DDE8+r
  fucompp                -   .       DAE9
  fnop                   -   .       D9D0
  fchs                   -   .       D9E0
  fabs                   -   .       D9E1
  ftst                   -   .       D9E4
  fxam                   -   .       D9E5
  fld1                   -   .       D9E8
  fldl2t                 -   .       D9E9
  fldl2e                 -   .       D9EA
  fldpi                  -   .       D9EB
  fldlg2                 -   .       D9EC
  fldln2                 -   .       D9ED
  fldz                   -   .       D9EE
  f2xm1                  -   .       D9F0
  fyl2x                  -   .       D9F1
  fptan                  -   .       D9F2
  fpatan                 -   .       D9F3
  fxtract                -   .       D9F4
  fprem1                 -   .       D9F5
  fdecstp                -   .       D9F6
  fincstp                -   .       D9F7
  fprem                  -   .       D9F8
  fyl2xp1                -   .       D9F9
  fsqrt                  -   .       D9FA
  fsincos                -   .       D9FB
  frndint                -   .       D9FC
  fscale                 -   .       D9FD
  fsin                   -   .       D9FE
  fcos                   -   .       D9FF
`;

const CONTROL = `
  fwait|wait             -   .       9B
  fninit                 -   .       DBE3
  finit                  -   .       DBE3    wait
  fnclex                 -   .       DBE2
  fclex                  -   .       DBE2    wait
  fneni                  -   .       DBE0
  feni                   -   .       DBE0    wait
  fndisi                 -   .       DBE1
  fdisi                  -   .       DBE1    wait
  fnsetpm                -   .       DBE4
  fsetpm                 -   .       DBE4    wait
  frstpm                 -   .       DBE5
  fldcw|fldcww           -   m       D9/5
  fnstcw|fnstcww         -   m       D9/7
  fstcw|fstcww           -   m       D9/7    wait
  fnstsw|fnstsww         -   m       DD/7
  fstsw|fstsww           -   m       DD/7    wait
  fnstsw                 -   ax      DFE0
  fstsw                  -   ax      DFE0    wait
  fnstsw                 -   .       DFE0
  fstsw                  -   .       DFE0    wait
`;

/** The environment is 14 bytes long with 16-bit operand size (suffix s), 28 bytes with 32-bit (suffix l). */
const ENVIRONMENT = [
  ["fldenv", "D9/4", ""],
  ["fnstenv", "D9/6", ""],
  ["fstenv", "D9/6", "wait"],
  ["frstor", "DD/4", ""],
  ["fnsave", "DD/6", ""],
  ["fsave", "DD/6", "wait"],
].map(
  ([name, opcode, flag]) => `
    ${name}   !   m  ${opcode}  ${flag}
    ${name}s  =w  m  ${opcode}  ${flag}
    ${name}l  =l  m  ${opcode}  ${flag}
  `,
);

export const X87_INSTRUCTIONS = [
  ...MEMORY_ARITHMETIC,
  ...REGISTER_ARITHMETIC,
  ...CONDITIONAL_MOVES,
  ...COMPARISONS,
  LOADS_AND_STORES,
  PLAIN,
  CONTROL,
  ...ENVIRONMENT,
].join("\n");
