import type { LitmusGuest } from "./guest.ts";

/** What an exploration found. */
export interface Exploration {
  readonly outcomes: Set<string>;
  readonly states: number;
}

/**
 * All that a machine can do with a litmus test: from every state each core makes its next instruction, and each store buffer
 * has its oldest store reach memory. States that were seen before are not gone on from.
 * @param most states, after which the exploration is given up
 * @throws Error when there are more
 */
export function explore(guest: LitmusGuest, most: number): Exploration {
  const { machine } = guest;
  const seen = new Set<string>();
  const outcomes = new Set<string>();
  guest.begin();
  const pending = [guest.state];
  for (let now = pending.pop(); now !== undefined; now = pending.pop()) {
    let isFinal = true;
    for (const [i, core] of machine.cores.entries()) {
      const steps = [
        ...(now.cores[i].halted ? [] : [() => core.run(1)]),
        ...(now.cores[i].stores.length === 0 ? [] : [() => core.storeBuffer?.drainOldest()]),
      ];
      for (const step of steps) {
        isFinal = false;
        guest.state = now;
        step();
        const next = guest.state;
        const key = JSON.stringify([
          next.memory,
          next.cores.map((each) => [
            each.eip,
            [...each.registers],
            each.stores.map(({ physical, value }) => [physical, value]),
          ]),
        ]);
        if (seen.has(key)) continue;
        if (seen.size === most) throw new Error(`more than ${most} states`);
        seen.add(key);
        pending.push(next);
      }
    }
    if (isFinal) {
      guest.state = now;
      outcomes.add(guest.outcome);
    }
  }
  return { outcomes, states: seen.size };
}
