/** GDB's general queries (GDB manual, appendix E.4), by name. */

import type { Conversation } from "./conversation.ts";
import { BAD_PACKET, NO_THREAD } from "./errors.ts";
import { fromHex, LONGEST_PACKET, toHex } from "./packet.ts";
import { targetDescription } from "./registers.ts";
import { threadOf } from "./stop-reply.ts";

/** Gets what stands behind the name; the reply, or undefined for none. */
type Query = (gdb: Conversation, rest: string) => string | undefined | Promise<string | undefined>;

/** Bytes of a user's command, and of the text of one packet of what it prints. */
const LONGEST_LINE = 4096;
const OUTPUT_PART = LONGEST_PACKET / 4;

const FEATURES = [
  `PacketSize=${LONGEST_PACKET.toString(16)}`,
  "QStartNoAckMode+",
  "qXfer:features:read+",
  "qXfer:threads:read+",
  "swbreak+",
  "hwbreak+",
  "ReverseStep+",
  "ReverseContinue+",
  "vContSupported+",
].join(";");

export const QUERIES: readonly (readonly [name: string, query: Query])[] = [
  ["qSupported", () => FEATURES],
  [
    "QStartNoAckMode",
    (gdb) => {
      gdb.outcome = "no-ack";
      return "OK";
    },
  ],
  ["qXfer:features:read:target.xml:", (gdb, rest) => part(targetDescription(codeBits(gdb)), rest)],
  ["qXfer:threads:read::", (gdb, rest) => part(threads(gdb), rest)],
  ["qfThreadInfo", (gdb) => `m${gdb.session.machine.cores.map(({ id }) => threadOf(id)).join(",")}`],
  ["qsThreadInfo", () => "l"],
  ["qThreadExtraInfo,", threadExtraInfo],
  ["qC", (gdb) => `QC${threadOf(gdb.core)}`],
  ["qAttached", () => "1"],
  ["qOffsets", () => "Text=0;Data=0;Bss=0"],
  ["qSymbol", () => "OK"],
  ["qRcmd,", monitor],
];

/** A piece of a document, as `OFFSET,LENGTH` asks for it. */
function part(text: string, request: string): string {
  const [, from, count] = /^([0-9a-fA-F]{1,8}),([0-9a-fA-F]{1,8})$/.exec(request) ?? [];
  if (from === undefined || count === undefined) return BAD_PACKET;
  const offset = Number.parseInt(from, 16);
  const length = Math.min(Number.parseInt(count, 16), LONGEST_PACKET / 2);
  return (offset + length >= text.length ? "l" : "m") + text.slice(offset, offset + length);
}

function codeBits(gdb: Conversation): 16 | 32 {
  return gdb.session.machine.cores[gdb.core].codeSize32 ? 32 : 16;
}

/** While GDB asks, all are stopped: what else there is to say of one. */
function stateOf(gdb: Conversation, core: number): string {
  const cpu = gdb.session.machine.cores[core];
  if (cpu.shutdown) return "shut down";
  if (cpu.waitsForStartup) return "waits for its start-up";
  return cpu.halted ? "stopped, halted" : "stopped";
}

function threads(gdb: Conversation): string {
  const list = gdb.session.machine.cores.map(
    ({ id }) => `<thread id="${threadOf(id)}" core="${id}" name="CPU ${id}">${stateOf(gdb, id)}</thread>`,
  );
  return `<?xml version="1.0"?>\n<threads>\n${list.join("\n")}\n</threads>\n`;
}

function threadExtraInfo(gdb: Conversation, rest: string): string {
  const core = gdb.coreOf(rest);
  return core === undefined ? NO_THREAD : toHex(new TextEncoder().encode(`CPU ${core} ${stateOf(gdb, core)}`));
}

/** `monitor LINE`. */
async function monitor(gdb: Conversation, rest: string): Promise<string> {
  const bytes = fromHex(rest);
  if (bytes === undefined || bytes.length > LONGEST_LINE) return BAD_PACKET;
  const execute = gdb.monitor;
  if (execute === undefined) return "";
  const { session } = gdb;
  session.core = gdb.core;
  const output = new TextEncoder().encode(await execute(new TextDecoder().decode(bytes)));
  for (let at = 0; at < output.length; at += OUTPUT_PART) gdb.send(`O${toHex(output.subarray(at, at + OUTPUT_PART))}`);
  return "OK";
}
