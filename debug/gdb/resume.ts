/** The packets that let the guest go on, forwards or backwards. */
import type { Conversation } from "./conversation.ts";

type Kind = "step" | "continue";

/** What a `vCont` packet says of one core. */
interface Action {
  readonly kind: Kind;
  /** Undefined: all the others. */
  readonly core: number | undefined;
}

/** Carries out `c`, `s`, `C`, `S`, `bs`, `bc` and `vCont`. Returns the stop to tell of; undefined for other packets. */
export async function resume(gdb: Conversation, data: string): Promise<string | undefined> {
  const { session } = gdb;
  if (data.startsWith("vCont;")) {
    const actions = parseActions(gdb, data.slice("vCont;".length));
    return actions === undefined ? undefined : await forward(gdb, actions);
  }
  session.core = gdb.core;
  if (data === "bs") return await gdb.run(() => session.reverseStep(), true);
  if (data === "bc") return await gdb.run(() => session.reverseContinue(), true);
  // An address or a signal that follows means nothing to this guest.
  if (/^[cC]/.test(data)) return await forward(gdb, [{ kind: "continue", core: undefined }]);
  if (/^[sS]/.test(data))
    return await forward(gdb, [
      { kind: "step", core: gdb.core },
      { kind: "continue", core: undefined },
    ]);
  return undefined;
}

function parseActions(gdb: Conversation, text: string): Action[] | undefined {
  const actions: Action[] = [];
  for (const part of text.split(";")) {
    const [, letter, thread] = /^([cCsS])[0-9a-fA-F]{0,2}(?::(-?[0-9a-fA-F]+))?$/.exec(part) ?? [];
    if (letter === undefined) return undefined;
    const core = thread === undefined || thread === "-1" ? undefined : gdb.coreOf(thread);
    if (thread !== undefined && thread !== "-1" && core === undefined) return undefined;
    actions.push({ kind: /[sS]/.test(letter) ? "step" : "continue", core });
  }
  return actions;
}

/** The first action that names a core holds for it; the rest go on with it, or stand still when nothing is said of them. */
async function forward(gdb: Conversation, actions: readonly Action[]): Promise<string> {
  const { session } = gdb;
  const { cores } = session.machine;
  const others = actions.find(({ core }) => core === undefined);
  const stepped = actions.find(({ kind }) => kind === "step");
  const named = stepped ?? actions.find(({ core }) => core !== undefined);
  const core = named?.core ?? gdb.core;
  session.core = core;
  const isAlone = cores.length > 1 && others === undefined && actions.length < cores.length;
  const alone = isAlone ? { core } : {};
  if (stepped !== undefined) return await gdb.run(() => session.step(1, alone));
  if (isAlone) return await gdb.run(() => session.step(Number.MAX_SAFE_INTEGER, alone));
  return await gdb.run(() => session.continue());
}
