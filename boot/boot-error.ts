/** Something that cannot be booted: a malformed image, or one that this machine has no room for. */
export class BootError extends Error {
  override readonly name = "BootError";
}

/** Runs an action on a machine; what the machine has against it (RangeError) becomes a BootError about `what`. */
export function booting<Result>(what: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof RangeError) throw new BootError(`${what}: ${error.message}`);
    throw error;
  }
}

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
