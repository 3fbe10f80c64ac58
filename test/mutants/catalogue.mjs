/**
 * Changes of the code, each a mistake that a person could make, with the tests that must fail because of it: `old`, which is
 * in the file exactly once, becomes `new`; in `and` are further edits where one alone changes nothing. One file an area.
 */
import assembler from "./assembler.mjs";
import boot from "./boot.mjs";
import debugging from "./debugger.mjs";
import devices from "./emulator-devices.mjs";
import integer from "./emulator-integer.mjs";
import protection from "./emulator-protection.mjs";
import cores from "./emulator-smp.mjs";
import tier from "./emulator-tier.mjs";
import x87 from "./emulator-x87.mjs";
import calls from "./kernel-calls.mjs";
import compiler from "./kernel-compiler.mjs";
import entry from "./kernel-entry.mjs";
import locks from "./kernel-locks.mjs";
import memory from "./kernel-memory.mjs";
import pids from "./kernel-pids.mjs";
import schedulers from "./kernel-sched.mjs";
import smp from "./kernel-smp.mjs";
import stacks from "./kernel-stacks.mjs";
import tasks from "./kernel-tasks.mjs";
import waiting from "./kernel-waiting.mjs";
import traces from "./traces.mjs";

const catalogues = {
  "emulator-integer": integer,
  "emulator-protection": protection,
  "emulator-devices": devices,
  "emulator-x87": x87,
  "emulator-tier": tier,
  "emulator-smp": cores,
  "kernel-entry": entry,
  "kernel-tasks": tasks,
  "kernel-stacks": stacks,
  "kernel-pids": pids,
  "kernel-memory": memory,
  "kernel-locks": locks,
  "kernel-waiting": waiting,
  "kernel-smp": smp,
  "kernel-sched": schedulers,
  "kernel-calls": calls,
  "kernel-compiler": compiler,
  assembler,
  boot,
  debugger: debugging,
  traces,
};

export const mutants = Object.entries(catalogues).flatMap(([catalogue, entries]) =>
  entries.map((entry) => ({ catalogue, ...entry })),
);
