/** Lets a worker hear its runner between tests, many of which await nothing. */
import { afterEach } from "vitest";
import { breath } from "./breathing.ts";

afterEach(breath);
