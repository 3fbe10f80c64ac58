/** `.cfi_startproc`, `.cfi_def_cfa` and their kin: where callers' registers are (GNU as manual, "CFI directives"). */
import { StatementError } from "../diagnostics.ts";
import { DATA_ALIGNMENT, type FrameSection } from "../dwarf/frame-table.ts";
import { dwarfRegister } from "../dwarf/registers.ts";
import type { Procedure } from "./call-frames.ts";
import type { Cursor } from "./cursor.ts";
import type { Contents, Definitions, DirectiveTable, Frames, RunDirective, Values } from "./directive.ts";
import type { Location } from "./symbols.ts";

type Needs = Values & Contents & Definitions & Frames;

const LARGEST = 0x7fffffff;
/** What says that there is no personality routine, and no data for one. */
const DW_EH_PE_omit = 0xff;
const DW_EH_PE_absptr = 0;

/** A directive between .cfi_startproc and .cfi_endproc. */
function within(
  run: (procedure: Procedure, here: Location, assembly: Needs, cursor: Cursor, name: string) => void,
): RunDirective<Needs> {
  return (assembly, cursor, name) => {
    const { sections, callFrames } = assembly;
    const procedure = callFrames.at(sections.current);
    if (procedure === undefined)
      throw cursor.error(`${name} without a .cfi_startproc before it in this section`, startOf(cursor, name));
    run(procedure, sections.here(assembly), assembly, cursor, name);
  };
}

/** Where the directive stands, while the cursor is just behind its name. */
function startOf(cursor: Cursor, name: string): number {
  return cursor.text.slice(0, cursor.at).trimEnd().length - name.length;
}

/** A register by its name, with or without a percent sign, or by its DWARF number. */
function takeRegister(assembly: Needs, cursor: Cursor): number {
  cursor.skipSpace();
  const at = cursor.at;
  const hasPercent = cursor.take("%");
  let name = cursor.takeName().toLowerCase();
  if (name === "st" && cursor.take("(")) {
    const digit = cursor.nextIsDigit() ? cursor.text.charAt(cursor.at++) : "";
    cursor.expect(")", "after the number of an x87 register");
    name = `st(${digit})`;
  }
  const number = dwarfRegister(name);
  if (number !== undefined) return number;
  if (hasPercent || name === "") {
    if (!hasPercent && !cursor.atEnd()) return assembly.integer(cursor, "the number of a register", 0, LARGEST);
    throw cursor.error(
      cursor.at > at
        ? `no whole register '${cursor.text.slice(at, cursor.at)}'; use %eax, %esp, %eip, …`
        : "expected a register",
      at,
    );
  }
  cursor.at = at;
  return assembly.integer(cursor, "the number of a register", 0, LARGEST);
}

/** An offset counted from `base`; one that is stored divided by four must be a multiple of that. */
function takeOffset(assembly: Needs, cursor: Cursor, name: string, base = 0, isStoredDivided = false): number {
  cursor.skipSpace();
  const at = cursor.at;
  const offset = base + assembly.integer(cursor, "the offset", -LARGEST, LARGEST);
  if ((isStoredDivided || offset < 0) && offset % DATA_ALIGNMENT !== 0) {
    const which = isStoredDivided ? "" : "negative ";
    throw cursor.error(`the ${which}offset that ${name} comes to must be a multiple of 4, not ${offset}`, at);
  }
  return offset;
}

function expectComma(cursor: Cursor, name: string): void {
  cursor.expect(",", `between the operands of ${name}`);
}

/** `register, offset from the CFA`; `isRelative`: from the register that the CFA is counted from. */
function saved(kind: "offset" | "val_offset", isRelative = false): RunDirective<Needs> {
  return within((procedure, here, assembly, cursor, name) => {
    const register = takeRegister(assembly, cursor);
    expectComma(cursor, name);
    const offset = takeOffset(assembly, cursor, name, isRelative ? -procedure.cfaOffset : 0, true);
    procedure.add({ kind, register, offset }, here);
  });
}

/** `register[, register]...` */
function eachRegister(kind: "restore" | "undefined" | "same_value"): RunDirective<Needs> {
  return within((procedure, here, assembly, cursor) => {
    do procedure.add({ kind, register: takeRegister(assembly, cursor) }, here);
    while (cursor.take(","));
  });
}

const startProcedure: RunDirective<Needs> = (assembly, cursor, name) => {
  const { sections, callFrames } = assembly;
  const { current } = sections;
  const opened = cursor.position(startOf(cursor, name));
  const open = callFrames.at(current);
  if (open !== undefined) {
    const { file, line } = open.opened;
    throw new StatementError(`${name} within the one at ${file}:${line}; write .cfi_endproc before`, opened);
  }
  cursor.skipSpace();
  const at = cursor.at;
  const option = cursor.takeName();
  if (option !== "" && option !== "simple")
    throw cursor.error(`${name} takes nothing or 'simple', not '${option}'`, at);
  callFrames.start(current, sections.here(assembly), opened, assembly.origin(), option === "simple");
};

const sections: RunDirective<Needs> = (assembly, cursor, name) => {
  const start = startOf(cursor, name);
  const chosen = new Set<FrameSection>();
  do {
    cursor.skipSpace();
    const at = cursor.at;
    const section = cursor.takeName();
    if (section !== ".debug_frame" && section !== ".eh_frame") {
      throw cursor.error(`${name} takes .debug_frame and .eh_frame`, at);
    }
    chosen.add(section);
  } while (cursor.take(","));
  const { callFrames } = assembly;
  const isSame = chosen.size === callFrames.sections.size && [...chosen].every((one) => callFrames.sections.has(one));
  if (callFrames.procedures.length > 0 && !isSame) {
    throw cursor.error(`${name} must stand before the first .cfi_startproc`, start);
  }
  callFrames.sections = chosen;
};

/** Accepts what says that there is no handler of exceptions. */
const noHandler = within((_procedure, _here, assembly, cursor, name) => {
  const start = startOf(cursor, name);
  if (assembly.integer(cursor, "the encoding", 0, 0xff) !== DW_EH_PE_omit) {
    throw cursor.error(`${name}: handlers of C++ exceptions can't be described; only 0xff, for none, is taken`, start);
  }
});

export const CALL_FRAME_DIRECTIVES: DirectiveTable<Needs> = {
  ".cfi_sections": sections,
  ".cfi_startproc": startProcedure,
  ".cfi_endproc": within((procedure, here, { sections: { current }, callFrames }) => {
    callFrames.end(current, procedure, here);
  }),
  ".cfi_def_cfa": within((procedure, here, assembly, cursor, name) => {
    const register = takeRegister(assembly, cursor);
    expectComma(cursor, name);
    procedure.add({ kind: "def_cfa", register, offset: takeOffset(assembly, cursor, name) }, here);
  }),
  ".cfi_def_cfa_register": within((procedure, here, assembly, cursor) => {
    procedure.add({ kind: "def_cfa_register", register: takeRegister(assembly, cursor) }, here);
  }),
  ".cfi_def_cfa_offset": within((procedure, here, assembly, cursor, name) => {
    procedure.add({ kind: "def_cfa_offset", offset: takeOffset(assembly, cursor, name) }, here);
  }),
  ".cfi_adjust_cfa_offset": within((procedure, here, assembly, cursor, name) => {
    const offset = takeOffset(assembly, cursor, name, procedure.cfaOffset);
    procedure.add({ kind: "def_cfa_offset", offset }, here);
  }),
  ".cfi_offset": saved("offset"),
  ".cfi_rel_offset": saved("offset", true),
  ".cfi_val_offset": saved("val_offset"),
  ".cfi_register": within((procedure, here, assembly, cursor, name) => {
    const register = takeRegister(assembly, cursor);
    expectComma(cursor, name);
    procedure.add({ kind: "register", register, savedIn: takeRegister(assembly, cursor) }, here);
  }),
  ".cfi_restore": eachRegister("restore"),
  ".cfi_undefined": eachRegister("undefined"),
  ".cfi_same_value": eachRegister("same_value"),
  ".cfi_remember_state": within((procedure, here) => procedure.remember(here)),
  ".cfi_restore_state": within((procedure, here, _assembly, cursor, name) => {
    if (!procedure.restore(here))
      throw cursor.error(`${name} without a .cfi_remember_state before it`, startOf(cursor, name));
  }),
  ".cfi_return_column": within((procedure, _here, assembly, cursor) => {
    procedure.returnColumn = takeRegister(assembly, cursor);
  }),
  ".cfi_signal_frame": within((procedure) => {
    procedure.isSignalFrame = true;
  }),
  ".cfi_escape": within((procedure, here, assembly, cursor) => {
    const bytes: number[] = [];
    do bytes.push(assembly.integer(cursor, "a byte", -0x80, 0xff) & 0xff);
    while (cursor.take(","));
    procedure.add({ kind: "escape", bytes }, here);
  }),
  ".cfi_personality": noHandler,
  ".cfi_lsda": noHandler,
  ".cfi_val_encoded_addr": within((procedure, here, assembly, cursor, name) => {
    const register = takeRegister(assembly, cursor);
    expectComma(cursor, name);
    cursor.skipSpace();
    const at = cursor.at;
    if (assembly.integer(cursor, "the encoding", 0, 0xff) !== DW_EH_PE_absptr) {
      throw cursor.error(`${name} takes only the encoding 0, for an absolute address`, at);
    }
    expectComma(cursor, name);
    cursor.skipSpace();
    const position = cursor.position();
    const expression = assembly.expressions.parse(cursor);
    const address = { expression, position, origin: assembly.origin() };
    procedure.add({ kind: "val_address", register, address }, here);
  }),
};
