/** The general-purpose instructions (Intel SDM vol. 2). The columns are described in ../template.ts. */

import { hex } from "../template.ts";

/** Mnemonic endings of the sixteen conditions, by condition code (SDM vol. 1, appendix B). */
export const CONDITIONS: readonly (readonly string[])[] = [
  ["o"],
  ["no"],
  ["b", "c", "nae"],
  ["ae", "nb", "nc"],
  ["e", "z"],
  ["ne", "nz"],
  ["be", "na"],
  ["a", "nbe"],
  ["s"],
  ["ns"],
  ["p", "pe"],
  ["np", "po"],
  ["l", "nge"],
  ["ge", "nl"],
  ["le", "ng"],
  ["g", "nle"],
];

const MOVES = `
  mov            bwl  moffs,acc      A0
  mov            bwl  acc,moffs      A2
  mov            bwl  r,rm           88/r
  mov            bwl  rm,r           8A/r
  mov            b    imm,r          B0+r
  mov            wl   imm,r          B8+r
  mov            bwl  imm,rm         C6/0
  mov            wl   sreg,r         8C/r
  mov|movw       -    sreg,m         8C/r
  mov|movw       -    r16,sreg       8E/r
  mov|movl       -    r32,sreg       8E/r
  mov|movw       -    m,sreg         8E/r
  mov|movl       -    creg,r32       0F20/r
  mov|movl       -    dreg,r32       0F21/r
  mov|movl       -    r32,creg       0F22/r
  mov|movl       -    r32,dreg       0F23/r
  mov|movl       -    treg,r32       0F24/r
  mov|movl       -    r32,treg       0F26/r
  movsb          wl   rm8,r          0FBE/r
  movsw          l    rm16,r         0FBF/r
  movzb          wl   rm8,r          0FB6/r
  movzw          l    rm16,r         0FB7/r
  movsx|movsxb   =wl  rm8,r          0FBE/r
  movsx          =wl  r16,r          0FBF/r
  movsxw         =wl  rm16,r         0FBF/r
  movzx|movzxb   =wl  rm8,r          0FB6/r
  movzx          =wl  r16,r          0FB7/r
  movzxw         =wl  rm16,r         0FB7/r
  push           wl^  r              50+r
  push           wl^  imm8s          6A
  push           wl^  imm            68
  push           wl^  es             06
  push           wl^  cs             0E
  push           wl^  ss             16
  push           wl^  ds             1E
  push           wl^  fs             0FA0
  push           wl^  gs             0FA8
  push           wl^  m              FF/6
  pop            wl^  r              58+r
  pop            wl^  es             07
  pop            wl^  ss             17
  pop            wl^  ds             1F
  pop            wl^  fs             0FA1
  pop            wl^  gs             0FA9
  pop            wl^  m              8F/0
  pusha          wl^  .              60
  popa           wl^  .              61
  pushf          wl^  .              9C
  popf           wl^  .              9D
  lahf           -    .              9F
  sahf           -    .              9E
  xchg           wl   r,acc          90+r
  xchg           wl   acc,r          90+r
  xchg           bwl  r,rm           86/r    lock
  xchg           bwl  rm,r           86/r    lock
  lea            wl   m,r            8D/r
  les            wl   m,r            C4/r
  lds            wl   m,r            C5/r
  lss            wl   m,r            0FB2/r
  lfs            wl   m,r            0FB4/r
  lgs            wl   m,r            0FB5/r
  xlat|xlatb     -    .              D7
  xlat|xlatb     -    bx             D7
  in             bwl  imm8,acc       E4
  in             bwl  imm8           E4
  in             bwl  port,acc       EC
  in             bwl  port           EC
  out            bwl  acc,imm8       E6
  out            bwl  imm8           E6
  out            bwl  acc,port       EE
  out            bwl  port           EE
  bswap          l    r              0FC8+r
  cmpxchg        bwl  r,rm           0FB0/r  lock
  cmpxchg8b      -    m              0FC7/1  lock
  xadd           bwl  r,rm           0FC0/r  lock
  movnti|movntil -    r32,m          0FC3/r
  cbtw|cbw       =w   .              98
  cwtl|cwde      =l   .              98
  cwtd|cwd       =w   .              99
  cltd|cdq       =l   .              99
`;

const ARITHMETIC = `
  inc            wl   r              40+r
  inc            bwl  rm             FE/0    lock
  dec            wl   r              48+r
  dec            bwl  rm             FE/1    lock
  neg            bwl  rm             F6/3    lock
  not            bwl  rm             F6/2    lock
  test           bwl  imm,acc        A8
  test           bwl  imm,rm         F6/0
  test           bwl  r,rm           84/r
  test           bwl  rm,r           84/r
  mul            bwl  rm             F6/4
  imul           bwl  rm             F6/5
  imul           wl   rm,r           0FAF/r
  imul           wl   imm8s,r        6B/r
  imul           wl   imm,r          69/r
  imul           wl   imm8s,rm,r     6B/r
  imul           wl   imm,rm,r       69/r
  div            bwl  rm             F6/6
  div            bwl  rm,acc         F6/6
  idiv           bwl  rm             F6/7
  idiv           bwl  rm,acc         F6/7
  daa            -    .              27
  das            -    .              2F
  aaa            -    .              37
  aas            -    .              3F
  aam            -    .              D40A
  aam            -    imm8           D4
  aad            -    .              D50A
  aad            -    imm8           D5
  shld           wl   imm8,r,rm      0FA4/r
  shld           wl   count,r,rm      0FA5/r
  shld           wl   r,rm           0FA5/r
  shrd           wl   imm8,r,rm      0FAC/r
  shrd           wl   count,r,rm      0FAD/r
  shrd           wl   r,rm           0FAD/r
  bsf            wl   rm,r           0FBC/r  rep
  bsr            wl   rm,r           0FBD/r  rep
  bt             wl   r,rm           0FA3/r
  bt             wl   imm8,rm        0FBA/4
  bts            wl   r,rm           0FAB/r  lock
  bts            wl   imm8,rm        0FBA/5  lock
  btr            wl   r,rm           0FB3/r  lock
  btr            wl   imm8,rm        0FBA/6  lock
  btc            wl   r,rm           0FBB/r  lock
  btc            wl   imm8,rm        0FBA/7  lock
`;

const CONTROL_TRANSFERS = `
  jmp            !    rel            E9      short:EB
  jmp            wl!  *r             FF/4
  jmp            wl!  *m             FF/4
  ljmp|jmp       wl!  imm16,imm      EA      far
  ljmp           wl!  *m             FF/5
  call           wl^  rel            E8
  call           wl^  *r             FF/2
  call           wl^  *m             FF/2
  lcall|call     wl^  imm16,imm      9A      far
  lcall          wl^  *m             FF/3
  ret            wl^  .              C3      rep
  ret            wl^  imm16          C2      rep
  lret           wl^  .              CB
  lret           wl^  imm16          CA
  iret           wl!  .              CF
  enter          wl^  imm16,imm8     C8
  leave          wl^  .              C9
  loop           wl!  rel8           E2      address
  loopz|loope    wl!  rel8           E1      address
  loopnz|loopne  wl!  rel8           E0      address
  jcxz           =w   rel8           E3      address
  jecxz          =l   rel8           E3      address
  int            -    three          CC
  int            -    imm8           CD
  int3           -    .              CC
  int1|icebp     -    .              F1
  into           -    .              CE
  bound          wl   r,m            62/r
`;

const STRINGS = `
  movs|smov      bwl  .              A4      rep
  movsd          =l   .              A5      rep
  movs|smov      bwl  si,di          A4      rep
  cmps|scmp      bwl  .              A6      rep
  cmpsd          =l   .              A7      rep
  cmps|scmp      bwl  di,si          A6      rep
  stos|ssto      bwl  .              AA      rep
  stos|ssto      bwl  di             AA      rep
  stos|ssto      bwl  acc,di         AA      rep
  lods|slod      bwl  .              AC      rep
  lods|slod      bwl  si             AC      rep
  lods|slod      bwl  si,acc         AC      rep
  scas|ssca      bwl  .              AE      rep
  scas|ssca      bwl  di             AE      rep
  scas|ssca      bwl  di,acc         AE      rep
  ins            bwl  .              6C      rep
  ins            bwl  port,di        6C      rep
  outs           bwl  .              6E      rep
  outs           bwl  si,port        6E      rep
`;

/** add … cmp share one layout, eight opcodes apart. Only cmp cannot be locked. */
const BINARY = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"].map((name, number) => {
  const lock = name === "cmp" ? "" : "lock";
  return `
    ${name}  bwl  r,rm      ${hex(number * 8)}/r      ${lock}
    ${name}  bwl  rm,r      ${hex(number * 8 + 2)}/r
    ${name}  wl   imm8s,rm  83/${number}              ${lock}
    ${name}  bwl  imm,acc   ${hex(number * 8 + 4)}
    ${name}  bwl  imm,rm    80/${number}              ${lock}
  `;
});

const SHIFTS = ["rol", "ror", "rcl", "rcr", "shl|sal", "shr", "", "sar"].map((names, number) =>
  names === ""
    ? ""
    : `
    ${names}  bwl  one,rm   D0/${number}
    ${names}  bwl  imm8,rm  C0/${number}
    ${names}  bwl  count,rm    D2/${number}
    ${names}  bwl  rm       D0/${number}
  `,
);

const CONDITIONAL = CONDITIONS.map((endings, code) => {
  const names = (stem: string): string => endings.map((ending) => stem + ending).join("|");
  return `
    ${names("j")}     !   rel   0F${hex(0x80 + code)}  short:${hex(0x70 + code)}
    ${names("set")}   b   rm    0F${hex(0x90 + code)}/0
    ${names("cmov")}  wl  rm,r  0F${hex(0x40 + code)}/r
  `;
});

export const INTEGER_INSTRUCTIONS = [
  MOVES,
  ...BINARY,
  ARITHMETIC,
  ...SHIFTS,
  CONTROL_TRANSFERS,
  STRINGS,
  ...CONDITIONAL,
].join("\n");
