/** Recording and replaying a debugging session: what is done to its guest, and where that leads. */
import type { DebugSession } from "../../debug/session/index.ts";
import { InputError } from "../io.ts";
import type { Comparison } from "./comparison.ts";
import type { Event } from "./format.ts";
import type { Recorder } from "./recorder.ts";
import type { Recording } from "./recording.ts";
import { Witness } from "./witness.ts";

/** Ends to which the guest comes while it stands still: the run has to go on to find them. */
const AT_REST: ReadonlySet<string> = new Set(["asleep", "halted-forever"]);

/** A witness of a session from its start. It goes back in time with it: what was sent in a future that is not, was not. */
export function witnessOf(session: DebugSession): Witness {
  const bytes: number[] = [];
  const cycles: number[] = [];
  const sentUntil = (cycle: number) => {
    const later = cycles.findIndex((sentAt) => sentAt > cycle);
    return later < 0 ? bytes.length : later;
  };
  session.onOutput(({ stream, byte }) => {
    if (stream !== "serial1") return;
    bytes.push(byte);
    cycles.push(session.machine.cycles);
  });
  session.onAction(({ cycle }) => () => {
    bytes.length = sentUntil(cycle);
    cycles.length = bytes.length;
  });
  return new Witness(
    () => session.machine,
    (cycle) => Uint8Array.from(bytes.slice(0, sentUntil(cycle))),
  );
}

/** Records what is done to the guest from now on. */
export function recordSession(session: DebugSession, recorder: Recorder, witness: Witness): void {
  session.onAction(({ action }) => {
    const point = witness.point();
    return () => recorder.action(action, point);
  });
}

/**
 * Does to a session's guest what was recorded, up to where the recording ends.
 * @param execute carries out a command of the debugger
 * @throws Divergence
 */
export async function replaySession(
  session: DebugSession,
  recording: Recording,
  comparison: Comparison,
  execute: (event: Event & { readonly command: string }) => Promise<void>,
): Promise<void> {
  const { path, events, end } = recording;
  for (const event of events) {
    const { command, action } = event;
    if (command !== undefined) await execute({ ...event, command });
    else await session.gotoCycle(event.cycle);
    comparison.check(event);
    if (action === undefined) continue;
    try {
      session.act(action);
    } catch (error) {
      if (error instanceof RangeError) throw new InputError(`${path}: the recording is damaged: ${error.message}`);
      throw error;
    }
  }
  if (end === undefined) return;
  if (AT_REST.has(end.end)) await session.continue();
  else await session.gotoCycle(end.cycle);
  comparison.checkEnd();
}
