/**
 * MMX, SSE to SSE4.2 and what came with them (Intel SDM vol. 2). Many instructions are alike but for their opcode and name:
 * the lists are of those, and a row is made for each of their forms. The columns of rows are described in ../template.ts.
 */

/** `name opcode`, one behind the other. */
function list(text: string): (readonly [name: string, opcode: string])[] {
  const words = text.trim().split(/\s+/);
  return Array.from({ length: words.length / 2 }, (_, index) => [words[2 * index]!, words[2 * index + 1]!] as const);
}

const rows = (made: readonly string[]): string => made.join("\n");

/** Packed integers, in MMX registers and, with a prefix, in SSE ones: 0F opcode. */
const INTEGER = list(`
  punpcklbw 60  punpcklwd 61  punpckldq 62  packsswb 63  pcmpgtb 64  pcmpgtw 65  pcmpgtd 66  packuswb 67
  punpckhbw 68  punpckhwd 69  punpckhdq 6A  packssdw 6B  pcmpeqb 74  pcmpeqw 75  pcmpeqd 76
  paddq D4      pmullw D5     psubusb D8    psubusw D9   pminub DA   pand DB     paddusb DC  paddusw DD
  pmaxub DE     pandn DF      pavgb E0      pavgw E3     pmulhuw E4  pmulhw E5   psubsb E8   psubsw E9
  pminsw EA     por EB        paddsb EC     paddsw ED    pmaxsw EE   pxor EF     pmuludq F4  pmaddwd F5
  psadbw F6     psubb F8      psubw F9      psubd FA     psubq FB    paddb FC    paddw FD    paddd FE
`);

/** The same of SSSE3: 0F 38 opcode. */
const INTEGER_SSSE3 = list(`
  pshufb 00  phaddw 01  phaddd 02  phaddsw 03  pmaddubsw 04  phsubw 05  phsubd 06  phsubsw 07
  psignb 08  psignw 09  psignd 0A  pmulhrsw 0B pabsb 1C      pabsw 1D   pabsd 1E
`);

/** Shifts: opcode with a count in a register or memory, opcode and extension with an immediate one. */
const SHIFTS = [
  ["psrlw", "D1", "71/2"],
  ["psrld", "D2", "72/2"],
  ["psrlq", "D3", "73/2"],
  ["psraw", "E1", "71/4"],
  ["psrad", "E2", "72/4"],
  ["psllw", "F1", "71/6"],
  ["pslld", "F2", "72/6"],
  ["psllq", "F3", "73/6"],
] as const;

/** SSE registers only: prefix and opcode with 0F. */
const SSE_ONLY = list(`
  punpcklqdq 660F6C  punpckhqdq 660F6D
  rsqrtps 0F52    rsqrtss F30F52   rcpps 0F53       rcpss F30F53
  andps 0F54      andpd 660F54     andnps 0F55      andnpd 660F55
  orps 0F56       orpd 660F56      xorps 0F57       xorpd 660F57
  unpcklps 0F14   unpcklpd 660F14  unpckhps 0F15    unpckhpd 660F15
  ucomiss 0F2E    ucomisd 660F2E   comiss 0F2F      comisd 660F2F
  cvtps2pd 0F5A   cvtpd2ps 660F5A  cvtss2sd F30F5A  cvtsd2ss F20F5A
  cvtdq2ps 0F5B   cvtps2dq 660F5B  cvttps2dq F30F5B
  cvttpd2dq 660FE6 cvtdq2pd F30FE6 cvtpd2dq F20FE6
  addsubpd 660FD0 addsubps F20FD0  haddpd 660F7C    haddps F20F7C  hsubpd 660F7D  hsubps F20F7D
  movsldup F30F12 movshdup F30F16  movddup F20F12
  ptest 660F3817    pmuldq 660F3828  pcmpeqq 660F3829  packusdw 660F382B
  pmovsxbw 660F3820 pmovsxbd 660F3821 pmovsxbq 660F3822 pmovsxwd 660F3823 pmovsxwq 660F3824 pmovsxdq 660F3825
  pmovzxbw 660F3830 pmovzxbd 660F3831 pmovzxbq 660F3832 pmovzxwd 660F3833 pmovzxwq 660F3834 pmovzxdq 660F3835
  pcmpgtq 660F3837  pminsb 660F3838  pminsd 660F3839   pminuw 660F383A   pminud 660F383B
  pmaxsb 660F383C   pmaxsd 660F383D  pmaxuw 660F383E   pmaxud 660F383F   pmulld 660F3840  phminposuw 660F3841
`);

/** The same with an immediate byte. */
const SSE_IMMEDIATE = list(`
  pshufd 660F70  pshufhw F30F70  pshuflw F20F70  shufps 0FC6  shufpd 660FC6
  roundps 660F3A08  roundpd 660F3A09  roundss 660F3A0A  roundsd 660F3A0B  blendps 660F3A0C  blendpd 660F3A0D
  pblendw 660F3A0E  insertps 660F3A21 dpps 660F3A40     dppd 660F3A41     mpsadbw 660F3A42
  pcmpestrm 660F3A60  pcmpestri 660F3A61  pcmpistrm 660F3A62  pcmpistri 660F3A63
`);

/** Arithmetic on one or all floating-point numbers of a register, single or double: the ending tells the prefix. */
const ARITHMETIC = list("sqrt 51  add 58  mul 59  sub 5C  min 5D  div 5E  max 5F");
const PRECISIONS = [
  ["ps", ""],
  ["pd", "66"],
  ["ss", "F3"],
  ["sd", "F2"],
] as const;
/** Comparisons by the immediate that stands for them. */
const COMPARISONS = ["eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"];

/** Loads and stores, the store's opcode being one more: `name load`. */
const MOVES = list(`
  movups 0F10  movupd 660F10  movss F30F10  movsd F20F10  movaps 0F28  movapd 660F28
`);
const HALF_MOVES = list("movlps 0F12  movlpd 660F12  movhps 0F16  movhpd 660F16");

const OTHERS = `
  movd           -    rm32,mm        0F6E/r
  movd           -    mm,rm32        0F7E/r
  movd           -    rm32,xmm       660F6E/r
  movd           -    xmm,rm32       660F7E/r
  movq           -    mmm,mm         0F6F/r
  movq           -    mm,m           0F7F/r
  movq           -    xmmm,xmm       F30F7E/r
  movq           -    xmm,m          660FD6/r
  movdqa         -    xmmm,xmm       660F6F/r
  movdqa         -    xmm,m          660F7F/r
  movdqu         -    xmmm,xmm       F30F6F/r
  movdqu         -    xmm,m          F30F7F/r
  lddqu          -    m,xmm          F20FF0/r
  movhlps        -    xmm,xmm        0F12/r
  movlhps        -    xmm,xmm        0F16/r
  movq2dq        -    mm,xmm         F30FD6/r
  movdq2q        -    xmm,mm         F20FD6/r
  movntq         -    mm,m           0FE7/r
  movntdq        -    xmm,m          660FE7/r
  movntps        -    xmm,m          0F2B/r
  movntpd        -    xmm,m          660F2B/r
  movntdqa       -    m,xmm          660F382A/r
  maskmovq       -    mm,mm          0FF7/r
  maskmovdqu     -    xmm,xmm        660FF7/r
  movmskps       -    xmm,r32        0F50/r
  movmskpd       -    xmm,r32        660F50/r
  pmovmskb       -    mm,r32         0FD7/r
  pmovmskb       -    xmm,r32        660FD7/r
  pshufw         -    imm8,mmm,mm    0F70/r
  palignr        -    imm8,mmm,mm    0F3A0F/r
  palignr        -    imm8,xmmm,xmm  660F3A0F/r
  pslldq         -    imm8,xmm       660F73/7
  psrldq         -    imm8,xmm       660F73/3
  pinsrw         -    imm8,rm32,mm   0FC4/r
  pinsrw         -    imm8,rm32,xmm  660FC4/r
  pextrw         -    imm8,mm,r32    0FC5/r
  pextrw         -    imm8,xmm,r32   660FC5/r
  pextrw         -    imm8,xmm,m     660F3A15/r
  pinsrb         -    imm8,rm32,xmm  660F3A20/r
  pinsrd         -    imm8,rm32,xmm  660F3A22/r
  pextrb         -    imm8,xmm,rm32  660F3A14/r
  pextrd         -    imm8,xmm,rm32  660F3A16/r
  extractps      -    imm8,xmm,rm32  660F3A17/r
  cvtpi2ps       -    mmm,xmm        0F2A/r
  cvtpi2pd       -    mmm,xmm        660F2A/r
  cvtsi2ss|cvtsi2ssl - rm32,xmm      F30F2A/r
  cvtsi2sd|cvtsi2sdl - rm32,xmm      F20F2A/r
  cvttps2pi      -    xmmm,mm        0F2C/r
  cvttpd2pi      -    xmmm,mm        660F2C/r
  cvttss2si|cvttss2sil - xmmm,r32    F30F2C/r
  cvttsd2si|cvttsd2sil - xmmm,r32    F20F2C/r
  cvtps2pi       -    xmmm,mm        0F2D/r
  cvtpd2pi       -    xmmm,mm        660F2D/r
  cvtss2si|cvtss2sil - xmmm,r32      F30F2D/r
  cvtsd2si|cvtsd2sil - xmmm,r32      F20F2D/r
  cmpps          -    imm8,xmmm,xmm  0FC2/r
  cmppd          -    imm8,xmmm,xmm  660FC2/r
  cmpss          -    imm8,xmmm,xmm  F30FC2/r
  cmpsd          -    imm8,xmmm,xmm  F20FC2/r
  pblendvb       -    xmm0,xmmm,xmm  660F3810/r
  pblendvb       -    xmmm,xmm       660F3810/r
  blendvps       -    xmm0,xmmm,xmm  660F3814/r
  blendvps       -    xmmm,xmm       660F3814/r
  blendvpd       -    xmm0,xmmm,xmm  660F3815/r
  blendvpd       -    xmmm,xmm       660F3815/r
  popcnt         wl   rm,r           F30FB8/r
  crc32          bwl  rm,r32         F20F38F0/r
`;

export const VECTOR_INSTRUCTIONS = [
  OTHERS,
  rows(
    [
      ...INTEGER.map(([name, code]) => [name, `0F${code}`]),
      ...INTEGER_SSSE3.map(([name, code]) => [name, `0F38${code}`]),
    ].flatMap(([name, code]) => [`${name} - mmm,mm ${code}/r`, `${name} - xmmm,xmm 66${code}/r`]),
  ),
  rows(
    SHIFTS.flatMap(([name, code, immediate]) => [
      `${name} - mmm,mm 0F${code}/r`,
      `${name} - xmmm,xmm 660F${code}/r`,
      `${name} - imm8,mm 0F${immediate}`,
      `${name} - imm8,xmm 660F${immediate}`,
    ]),
  ),
  rows(SSE_ONLY.map(([name, code]) => `${name} - xmmm,xmm ${code}/r`)),
  rows(SSE_IMMEDIATE.map(([name, code]) => `${name} - imm8,xmmm,xmm ${code}/r`)),
  rows(
    PRECISIONS.flatMap(([ending, prefix]) => [
      ...ARITHMETIC.map(([name, code]) => `${name}${ending} - xmmm,xmm ${prefix}0F${code}/r`),
      ...COMPARISONS.map((name, number) => `cmp${name}${ending} - xmmm,xmm ${prefix}0FC2/r then:0${number}`),
    ]),
  ),
  rows(
    [...MOVES.map((move) => [...move, "xmmm"]), ...HALF_MOVES.map((move) => [...move, "m"])].flatMap(
      ([name, load, from]) => {
        const store = load!.slice(0, -1) + (Number.parseInt(load!.at(-1)!, 16) + 1).toString(16).toUpperCase();
        return [`${name} - ${from},xmm ${load}/r`, `${name} - xmm,m ${store}/r`];
      },
    ),
  ),
].join("\n");
