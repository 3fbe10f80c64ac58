/** The limits of resources to begin with (asm-i386/resource.h). */
import { STACK_LIMIT } from "../linux/mm.ts";
import {
  NR_OPEN_DEFAULT,
  RLIM_INFINITY,
  RLIM_NLIMITS,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_STACK,
  type task_struct,
} from "../linux/sched.ts";

/** The limits that the first task has, and everybody inherits (INIT_RLIMITS). @bounded by RLIM_NLIMITS, 16 */
export function init_rlimits(task: task_struct, max_threads: number): void {
  const limits: Readonly<Record<number, number>> = {
    [RLIMIT_STACK]: STACK_LIMIT,
    [RLIMIT_NPROC]: max_threads,
    [RLIMIT_NOFILE]: NR_OPEN_DEFAULT,
  };
  for (let resource = 0; resource < RLIM_NLIMITS; resource++) {
    const limit = task.rlim.get(resource);
    limit.rlim_cur = limits[resource] ?? RLIM_INFINITY;
    limit.rlim_max = resource === RLIMIT_STACK ? RLIM_INFINITY : limit.rlim_cur;
  }
}
