/** Exit statuses of the commands that run a machine, beside what the guest itself asks for. */

/** A command of the debugger failed. */
export const STATUS_FAILED_COMMAND = 1;
/** The kernel panicked, or the CPU shut down after a triple fault. */
export const STATUS_CRASHED = 3;
/** `--max-instructions` were executed. */
export const STATUS_BUDGET = 4;
/** Everything is asleep for good. */
export const STATUS_ASLEEP = 5;
/** A replay came to something else than its recording. */
export const STATUS_DIVERGED = 6;
/** Ctrl-C. */
export const STATUS_INTERRUPTED = 130;
