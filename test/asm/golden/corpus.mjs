/** The instruction lines that record-encodings.mjs tries. */

const CONDITIONS = [
  "o",
  "no",
  "b",
  "c",
  "nae",
  "ae",
  "nb",
  "nc",
  "e",
  "z",
  "ne",
  "nz",
  "be",
  "na",
  "a",
  "nbe",
  "s",
  "ns",
  "p",
  "pe",
  "np",
  "po",
  "l",
  "nge",
  "ge",
  "nl",
  "le",
  "ng",
  "g",
  "nle",
];

/** Mnemonics that take the suffixes b, w and l (or could be thought to). */
const SUFFIXED = `
  mov movs smov cmps scmp stos ssto lods slod scas ssca ins outs push pop pusha popa pushf popf xchg lea les lds lss lfs
  lgs xlat in out bswap cmpxchg cmpxchg8b xadd movnti add or adc sbb and sub xor cmp rol ror rcl rcr shl sal shr sar inc
  dec neg not test mul imul div idiv shld shrd bsf bsr bt bts btr btc jmp ljmp call lcall ret lret iret enter leave loop
  loope loopz loopne loopnz jcxz jecxz int bound nop lgdt lidt sgdt sidt lldt ltr lmsw verr verw arpl sldt str smsw lar lsl
  movsx movzx movsb movsw movzb movzw ud0 ud1 ud2b fldenv fstenv fnstenv fsave fnsave frstor fldcw fstcw fnstcw fstsw fnstsw
  setne cmovne cmovb jne jb hlt cpuid
`;

/** Mnemonics with the memory sizes of the x87: s, l, t, ll, q. */
const X87_SUFFIXED = `
  fadd fmul fcom fcomp fsub fsubr fdiv fdivr fiadd fimul ficom ficomp fisub fisubr fidiv fidivr fld fst fstp fild fist
  fistp fisttp fbld fbstp
`;

const PLAIN = `
  lahf sahf xlatb cbw cwde cwd cdq cbtw cwtl cwtd cltd daa das aaa aas aam aad int3 int1 into pause clc stc cmc cli sti cld
  std clts invd wbinvd rdtsc rdtscp rdmsr wrmsr rdpmc rsm sysenter sysexit ud2 ud2a lfence mfence sfence clflush fxsave
  fxrstor ldmxcsr stmxcsr prefetchnta prefetcht0 prefetcht1 prefetcht2 prefetch prefetchw invlpg monitor mwait emms
  faddp fmulp fsubp fsubrp fdivp fdivrp fcompp fucom fucomp fucompp fcomi fcomip fcompi fucomi fucomip fucompi fcmovb fcmovc
  fcmovnae fcmove fcmovz fcmovbe fcmovna fcmovu fcmovae fcmovnb fcmovnc fcmovne fcmovnz fcmova fcmovnbe fcmovnu fxch ffree
  ffreep fnop fchs fabs ftst fxam fld1 fldl2t fldl2e fldpi fldlg2 fldln2 fldz f2xm1 fyl2x fptan fpatan fxtract fprem1
  fdecstp fincstp fprem fyl2xp1 fsqrt fsincos frndint fscale fsin fcos fwait wait fninit finit fnclex fclex fneni feni
  fndisi fdisi fnsetpm fsetpm frstpm
  rep repe repz repne repnz lock cs ds es fs gs ss
`;

/** Operands that tell instructions apart. */
const OPERANDS = `
  %al %cl %bh %ax %cx %dx %si %eax %ecx %edi %cs %ds %gs %cr0 %cr3 %dr7 %tr6 %st %st(3) $1 $5 $-1 $200 $0x1234
  $sym sym 0x40 (%ecx) (%bx) %fs:4(%ebp) *%eax *%cx *sym *(%edx) (%esi) %es:(%edi) (%dx)
`;

/** MMX and SSE, with all their operands. */
const VECTOR = `
  movd movq movdqa movdqu lddqu movhlps movlhps movq2dq movdq2q movntq movntdq movntps movntpd movntdqa maskmovq maskmovdqu
  movmskps movmskpd pmovmskb movups movupd movss movsd movaps movapd movlps movlpd movhps movhpd movddup movshdup movsldup
  punpcklbw punpcklwd punpckldq punpcklqdq punpckhbw punpckhwd punpckhdq punpckhqdq packsswb packssdw packuswb packusdw
  pcmpgtb pcmpgtw pcmpgtd pcmpgtq pcmpeqb pcmpeqw pcmpeqd pcmpeqq paddb paddw paddd paddq paddsb paddsw paddusb paddusw
  psubb psubw psubd psubq psubsb psubsw psubusb psubusw pmullw pmulhw pmulhuw pmuludq pmuldq pmulld pmaddwd pmaddubsw
  pmulhrsw psadbw mpsadbw pavgb pavgw pminub pminsw pminsb pminsd pminuw pminud pmaxub pmaxsw pmaxsb pmaxsd pmaxuw pmaxud
  pand pandn por pxor ptest pshufb pshufw pshufd pshufhw pshuflw palignr pinsrb pinsrw pinsrd pextrb pextrw pextrd extractps
  insertps phaddw phaddd phaddsw phsubw phsubd phsubsw psignb psignw psignd pabsb pabsw pabsd phminposuw
  psrlw psrld psrlq psraw psrad psllw pslld psllq pslldq psrldq
  pmovsxbw pmovsxbd pmovsxbq pmovsxwd pmovsxwq pmovsxdq pmovzxbw pmovzxbd pmovzxbq pmovzxwd pmovzxwq pmovzxdq
  sqrtps sqrtpd sqrtss sqrtsd addps addpd addss addsd mulps mulpd mulss mulsd subps subpd subss subsd minps minpd minss minsd
  divps divpd divss divsd maxps maxpd maxss maxsd rsqrtps rsqrtss rcpps rcpss andps andpd andnps andnpd orps orpd xorps xorpd
  unpcklps unpcklpd unpckhps unpckhpd shufps shufpd ucomiss ucomisd comiss comisd addsubps addsubpd haddps haddpd hsubps hsubpd
  cvtpi2ps cvtpi2pd cvtsi2ss cvtsi2sd cvtsi2ssl cvtsi2sdl cvttps2pi cvttpd2pi cvttss2si cvttsd2si cvttss2sil cvttsd2sil
  cvtps2pi cvtpd2pi cvtss2si cvtsd2si cvtss2sil cvtsd2sil cvtps2pd cvtpd2ps cvtss2sd cvtsd2ss cvtdq2ps cvtps2dq cvttps2dq
  cvttpd2dq cvtdq2pd cvtpd2dq roundps roundpd roundss roundsd blendps blendpd pblendw pblendvb blendvps blendvpd dpps dppd
  pcmpestrm pcmpestri pcmpistrm pcmpistri popcnt popcntw popcntl crc32 crc32b crc32w crc32l
  cmpps cmppd cmpss cmpsd ${["eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"]
    .flatMap((condition) => ["ps", "pd", "ss", "sd"].map((ending) => `cmp${condition}${ending}`))
    .join(" ")}
`;

/** Operands that tell them apart. */
const VECTOR_OPERANDS = "%mm6 %xmm2 %xmm0 %esi %si %bl (%ecx) $200";

function words(text) {
  return text.trim().split(/\s+/);
}

/** Every mnemonic with no, one and two operands of the alphabet, and the three-operand forms. */
export function* operandLines() {
  const mnemonics = [
    ...words(SUFFIXED).flatMap((name) => ["", "b", "w", "l"].map((suffix) => name + suffix)),
    ...words(X87_SUFFIXED).flatMap((name) => ["", "s", "l", "t", "ll", "q"].map((suffix) => name + suffix)),
    ...CONDITIONS.flatMap((condition) => [`j${condition}`, `set${condition}`, `cmov${condition}`]),
    ...words(PLAIN),
  ];
  const operands = words(OPERANDS);
  for (const mnemonic of mnemonics) {
    yield mnemonic;
    for (const first of operands) {
      yield `${mnemonic} ${first}`;
      for (const second of operands) yield `${mnemonic} ${first},${second}`;
    }
  }
  for (const mnemonic of ["imul", "imulw", "imull", "shld", "shldw", "shrdl", "shrd"]) {
    for (const first of ["$1", "$200", "$-1", "$0x1234", "$sym", "%cl", "%al"]) {
      for (const second of ["%cx", "%ecx", "(%ecx)", "sym"]) {
        for (const third of ["%dx", "%edx", "(%ebx)"]) yield `${mnemonic} ${first},${second},${third}`;
      }
    }
  }
}

/** MMX and SSE instructions with one to three operands. */
export function* vectorLines() {
  const operands = words(VECTOR_OPERANDS);
  for (const mnemonic of words(VECTOR)) {
    yield mnemonic;
    for (const first of operands) {
      yield `${mnemonic} ${first}`;
      for (const second of operands) yield `${mnemonic} ${first},${second}`;
    }
    for (const first of ["$200", "$-1", "%xmm0"]) {
      for (const second of operands) for (const third of operands) yield `${mnemonic} ${first},${second},${third}`;
    }
  }
  yield* [
    "movups %xmm7,%fs:-4(%ebp,%edi,8)",
    "movq %gs:300(%bx),%mm3",
    "pshufd $27,sym+4,%xmm5",
    "cmpltss %es:(%esi),%xmm1",
  ];
  yield* ["data16 movups %xmm0,%xmm1", "rep movups %xmm0,%xmm1", "lock paddb %mm0,%mm1", "cvtsi2ss %fs:4,%xmm3"];
}

const ADDRESSES_32 = words("eax ecx edx ebx esp ebp esi edi").flatMap((base) => [
  `(%${base})`,
  `(%${base},%eax)`,
  `(%${base},%ebp,2)`,
  `(%${base},%edi,8)`,
  `(,%${base},4)`,
  `(,%${base},1)`,
  `(,%${base})`,
]);
const ADDRESSES_16 = words("(%bx) (%bp) (%si) (%di) (%bx,%si) (%bx,%di) (%bp,%si) (%bp,%di) (%bx,%si,1)");
const DISPLACEMENTS = [
  "",
  "0",
  "1",
  "127",
  "128",
  "-128",
  "-129",
  "0x1234",
  "0xffffffff",
  "0xffff",
  "0xff80",
  "0x12345678",
  "sym",
];
const SEGMENTS = words("cs ds es fs gs ss");

/** Addressing modes, segment overrides, prefixes, and the instructions whose encoding depends on values. */
export function* addressingLines() {
  for (const address of [...ADDRESSES_32, ...ADDRESSES_16]) {
    for (const displacement of DISPLACEMENTS) {
      yield `movl ${displacement}${address},%ecx`;
      yield `addw $0x1234,${displacement}${address}`;
    }
    for (const segment of SEGMENTS) yield `movb %${segment}:${address},%dl`;
    yield `jmp *${address}`;
    yield `ljmp *${address}`;
    yield `movb $sym,sym${address}`;
    yield `imull $sym,sym${address},%ecx`;
  }
  for (const displacement of DISPLACEMENTS.slice(1)) {
    for (const segment of ["", ...SEGMENTS.map((name) => `%${name}:`)]) {
      yield `movl ${segment}${displacement},%eax`;
      yield `movb %al,${segment}${displacement}`;
      yield `movw ${segment}${displacement},%cx`;
      for (const prefix of ["addr16", "addr32"]) {
        yield `${prefix} movl ${segment}${displacement},%eax`;
        yield `${prefix} incw ${segment}${displacement}`;
      }
    }
  }
  yield* prefixLines();
  yield* valueLines();
}

function* prefixLines() {
  const strings = [
    "movsb",
    "movsw",
    "movsl",
    "cmpsb",
    "cmpsl",
    "stosl",
    "stosw",
    "lodsb",
    "scasw",
    "scasl",
    "insb",
    "insl",
    "outsw",
  ];
  for (const string of strings) {
    for (const prefix of [
      "rep",
      "repe",
      "repz",
      "repne",
      "repnz",
      "addr16",
      "addr32",
      "rep addr16",
      "addr32 rep",
      "fs",
      "rep gs",
    ]) {
      yield `${prefix} ${string}`;
    }
  }
  for (const segment of ["", ...SEGMENTS.map((name) => `%${name}:`)]) {
    for (const [source, destination] of [
      ["(%esi)", "(%edi)"],
      ["(%si)", "(%di)"],
    ]) {
      for (const suffix of ["b", "w", "l"]) {
        yield `rep movs${suffix} ${segment}${source},%es:${destination}`;
        yield `cmps${suffix} %es:${destination},${segment}${source}`;
        yield `lods${suffix} ${segment}${source}`;
        yield `outs${suffix} ${segment}${source},%dx`;
        yield `stos${suffix} %es:${destination}`;
        yield `scas${suffix} ${destination}`;
        yield `ins${suffix} %dx,${destination}`;
      }
    }
    yield `xlat ${segment}(%ebx)`;
    yield `xlat ${segment}(%bx)`;
    yield `fstcw ${segment}(%ebx)`;
    yield `lock addw $1,${segment}(%bx)`;
    yield `lock xchgl %ecx,${segment}(%bx)`;
  }
  const targets = [
    "jmp sym",
    "je sym",
    "call sym",
    "ljmp $8,$sym",
    "lcall $8,$sym",
    "ljmp *sym",
    "jmp *sym",
    "call *sym",
    "jmp 0x1234",
  ];
  const sized = [
    "ret",
    "lret",
    "iret",
    "push $1",
    "push $300",
    "pusha",
    "popf",
    "push %ds",
    "pop %fs",
    "lgdt (%ebx)",
    "lidt sym",
    "leave",
    "push sym",
  ];
  for (const prefix of [
    "data16",
    "data32",
    "addr16",
    "addr32",
    "data16 addr16",
    "data32 addr32",
    "cs",
    "ds",
    "cs data16",
    "cs data32",
  ]) {
    for (const line of [...targets, ...sized, "loop 0x10", "jcxz 0x10", "jecxz sym", "xlat", "lea sym,%ecx"])
      yield `${prefix} ${line}`;
  }
  for (const line of [
    "add %ecx,(%ebx)",
    "cmp %ecx,(%ebx)",
    "incl (%ebx)",
    "xchg %ecx,(%ebx)",
    "btsl $1,(%ebx)",
    "bt %ecx,(%ebx)",
    "cmpxchg %ecx,(%ebx)",
    "cmpxchg8b (%ebx)",
    "xadd %ecx,(%ebx)",
    "notb (%ebx)",
    "mov %ecx,(%ebx)",
    "add %ecx,%ebx",
    "add (%ebx),%ecx",
  ]) {
    yield `lock ${line}`;
    yield `rep ${line}`;
    yield `cs ${line}`;
  }
  yield* ["rep ret", "repz ret", "rep nop", "rep bsf %ecx,%edx", "wait fnop", "cs jmp *%eax", "fs gs movsb"];
}

/** Fields of fixed size get only values that fit: GNU as cuts off some that do not. */
const SMALL_VALUES = words("0 1 3 127 128 255 -1 -128 sym sym+4");
const VALUES = words(`
  ${SMALL_VALUES.join(" ")} -129 256 0x7fff 0x8000 0xff7f 0xff80 0xffff 0x10000 0x7fffffff 0x80000000 0xffffff7f
  0xffffff80 0xffffffff -32768 -32769 -2147483648
`);
const SMALL_FORMS = [
  "addb $V,%al",
  "addb $V,%cl",
  "movb $V,%dl",
  "testb $V,%bl",
  "cmpb $V,(%ebx)",
  "int $V",
  "enter $1,$V",
  "shll $V,%ecx",
  "shrb $V,%cl",
  "btl $V,%ecx",
  "inb $V,%al",
  "out %eax,$V",
  "aam $V",
  "shld $V,%ecx,%edx",
  "ljmp $8,$V",
  "ret $V",
  "lret $V",
  "enter $V,$1",
];
const FORMS = [
  "addw $V,%ax",
  "addw $V,%cx",
  "addl $V,%eax",
  "addl $V,%ecx",
  "subw $V,(%ebx)",
  "cmpl $V,(%ebx)",
  "movw $V,%dx",
  "movl $V,%edx",
  "movl $V,sym",
  "testl $V,%eax",
  "push $V",
  "pushw $V",
  "pushl $V",
  "imul $V,%ecx",
  "imul $V,%cx,%dx",
  "call *V",
];

function* valueLines() {
  for (const form of SMALL_FORMS) for (const value of SMALL_VALUES) yield form.replace("V", value);
  for (const form of FORMS) for (const value of VALUES) yield form.replace("V", value);
  for (const branch of ["jmp", "call", "jne", "callw", "calll"]) {
    for (const target of ["0", "1", "0x7f", "0x80", "0x1234", "0x7fff", "sym", "sym+4", "sym-4"])
      yield `${branch} ${target}`;
  }
  for (const branch of ["loop", "loopw", "loopl", "loope", "loopnew", "jcxz", "jecxz"]) {
    for (const target of ["0", "1", "0x7f", "sym", "sym+4"]) yield `${branch} ${target}`;
  }
}
