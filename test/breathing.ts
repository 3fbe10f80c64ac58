/** Lets a worker hear its runner: in tests that take long, and between those that await nothing. */
export function breath(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
