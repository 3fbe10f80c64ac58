/** The locks of lib/spinlock.S, taken by up to eight cores that are switched between at random instructions. */
import { describe, expect, it } from "vitest";
import { RandomInterleaver } from "../../../../../emulator/index.ts";
import { headers, sources } from "../../../../../kernel/arch/i386/sources.ts";
import { smpGuest } from "../../../../emulator/smp/guest.ts";

const CORES = 4;
const TURNS = 60;

const locks = `
#define CONFIG_SMP 1
#define CONFIG_LOCKS 1
.set THREAD_SIZE, 8192
.set RW_LOCK_BIAS, 0x01000000
.set task_struct_lock_depth, 28
${sources.find(({ file }) => file.endsWith("lib/spinlock.S"))?.text.replace("#include <asm/current.h>", headers["asm/current.h"].text)}
.data
.align 4
spin:	.long 1
rwlock:	.long RW_LOCK_BIAS
kernel_flag: .long 1
counter: .long 0
inside:	.long 0
most:	.long 0
torn:	.long 0
done:	.long 0
.text
`;

/** Every core calls \`turn\` TURNS times; the first waits for all of them. */
function run(seed: number, turn: string) {
  const guest = smpGuest(
    `${locks}
boot:	movl $${CORES - 1}, %eax
	call start_others
	call turns
	wait_for ${CORES}, done
	exit
work:	call turns
1:	hlt
	jmp 1b
turns:	movl $${TURNS}, %edi
1:	call turn
	decl %edi
	jnz 1b
	lock; incl done
	ret
turn:
${turn}
	ret
`,
    { cpus: CORES, interleaver: new RandomInterleaver(seed, 7) },
  );
  expect(guest.machine.run({ maxInstructions: 5_000_000 })).toMatchObject({ kind: "exit" });
  return guest;
}

const seeds = [1, 2, 3, 4, 5];

describe("a spinlock", () => {
  it("keeps what its holder does whole", () => {
    for (const seed of seeds) {
      const guest = run(
        seed,
        `pushl $spin; call spin_lock
	movl counter, %ecx; incl %ecx; movl %ecx, counter
	call spin_unlock; addl $4, %esp`,
      );
      expect(guest.word("counter"), `seed ${seed}`).toBe(CORES * TURNS);
      expect(guest.word("spin") & 0xff).toBe(1);
    }
  });

  it("is needed: the same without it loses counts", () => {
    const counts = seeds.map((seed) => run(seed, "movl counter, %ecx; incl %ecx; movl %ecx, counter").word("counter"));
    expect(Math.min(...counts)).toBeLessThan(CORES * TURNS);
  });

  it("is taken by a trylock only when it is free", () => {
    for (const seed of seeds) {
      const guest = run(
        seed,
        `pushl $spin
1:	call spin_trylock
	testl %eax, %eax
	jz 1b
	movl counter, %ecx; incl %ecx; movl %ecx, counter
	call spin_unlock; addl $4, %esp`,
      );
      expect(guest.word("counter"), `seed ${seed}`).toBe(CORES * TURNS);
    }
  });

  it("is waited for until nobody holds it", () => {
    const guest = run(
      1,
      `pushl $spin
	lock; btsl $0, inside		# the first one holds it for a while
	jc 2f
	call spin_lock
	movl $50, %ecx
1:	loop 1b
	movl $1, counter
	call spin_unlock
	jmp 3f
2:	call spin_unlock_wait
3:	addl $4, %esp`,
    );
    expect(guest.word("spin") & 0xff).toBe(1);
    expect(guest.word("counter")).toBe(1);
  });
});

describe("a reader/writer lock", () => {
  it("lets readers in together, and writers alone", () => {
    let together = 0;
    for (const seed of seeds) {
      // A writer leaves two words equal; a reader that finds them different says so.
      const guest = run(
        seed,
        `testl $3, %edi
	jz 1f
	pushl $rwlock; call read_lock
	lock; incl inside
	movl inside, %eax
	cmpl most, %eax
	jle 4f
	movl %eax, most
4:	movl counter, %ecx
	cmpl counter2, %ecx
	je 3f
	movl $1, torn
3:	lock; decl inside
	call read_unlock; addl $4, %esp
	ret
1:	pushl $rwlock; call write_lock
	incl counter
	nop; nop; nop
	incl counter2
	call write_unlock; addl $4, %esp
	ret
.data
counter2: .long 0
.text`,
      );
      expect(guest.word("torn"), `seed ${seed}`).toBe(0);
      expect(guest.word("counter")).toBe((CORES * TURNS) / 4);
      expect(guest.word("rwlock")).toBe(0x01000000);
      together = Math.max(together, guest.word("most"));
    }
    expect(together).toBeGreaterThan(1);
  });

  it("is not given to a trylock while somebody reads", () => {
    const guest = run(
      1,
      `pushl $rwlock; call read_lock
	call write_trylock
	orl %eax, torn
	call read_unlock; addl $4, %esp`,
    );
    expect(guest.word("torn")).toBe(0);
    expect(guest.word("rwlock")).toBe(0x01000000);
  });
});

describe("the big kernel lock", () => {
  it("is taken once, however often its holder asks, and given up when the last of them is over", () => {
    for (const seed of seeds) {
      // "current" is ESP masked: each core has 8 KiB of its own, with lock_depth -1 to begin with.
      const guest = run(
        seed,
        `movl %esp, %esi
	id %eax
	shll $13, %eax
	leal 0x60000 + 8192(%eax), %esp
	movl $-1, 0x60000 + 28(%eax)
	call lock_kernel
	call lock_kernel
	movl counter, %ecx; incl %ecx; movl %ecx, counter
	call unlock_kernel
	movl counter, %ecx; incl %ecx; movl %ecx, counter
	pushl %esi
	movl $-8192, %eax; andl %esp, %eax
	pushl %eax
	call release_kernel_lock
	call reacquire_kernel_lock
	addl $4, %esp
	movl counter, %ecx; incl %ecx; movl %ecx, counter
	call unlock_kernel
	popl %esi
	movl %esi, %esp`,
      );
      expect(guest.word("counter"), `seed ${seed}`).toBe(3 * CORES * TURNS);
      expect(guest.word("kernel_flag") & 0xff).toBe(1);
    }
  });
});
