/** What is wrong with an expression, and where. */

/** The message of an expression that cannot be read or evaluated, with its column; shown with a caret below the text. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";

  /**
   * @param text the whole expression
   * @param column of the offending character, from 0
   */
  constructor(
    message: string,
    readonly text: string,
    readonly column: number,
  ) {
    super(message);
  }
}
