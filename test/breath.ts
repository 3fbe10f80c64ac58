/** Lets a worker hear its runner between tests, many of which await nothing. */
import { afterEach } from "vitest";

afterEach(() => new Promise((done) => setImmediate(done)));
