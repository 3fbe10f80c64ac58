/**
 * What tests get for fast-check (see seeds.ts): its random values are the same in every run, and a failure names the seed.
 * ESP0_SEED=NUMBER takes another one, ESP0_SEED=random one of its own for each property.
 */
import fc from "fast-check";

const USUAL_SEED = 1;
const given = process.env.ESP0_SEED ?? "";

if (given !== "random") {
  const seed = given === "" ? USUAL_SEED : Number(given);
  if (!Number.isInteger(seed)) throw new Error(`ESP0_SEED=${given}: expected an integer, or random`);
  fc.configureGlobal({ seed });
}

export * from "fast-check";
export default fc;
