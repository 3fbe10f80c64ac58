/**
 * A processor exception on its way from an instruction to `Core.run`. Each core owns one and throws it again and
 * again, so that raising a fault allocates nothing; it is never an `Error`, because no host stack trace is wanted.
 */
export class Fault {
  /** Exception vector, 0 to 31. */
  vector = 0;
  /** Error code to push, or -1 when the vector has none. */
  errorCode = -1;
}
