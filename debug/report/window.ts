/** The part of a trace that a drawing shows. */

/** In cycles. */
export interface Window {
  readonly from: number;
  readonly to: number;
}
