/** Random moments for tests that kill what they have started: a seed that is printed brings them back. */
import { parseArgs } from "node:util";

/** Shares of 1, drawn from --seed N, or from a seed of the clock. Ends the program `name` where the seed is none. */
export function randomMoments(name) {
  try {
    const { seed = String(1 + (Date.now() % 999_999_999)) } = parseArgs({
      options: { seed: { type: "string" } },
    }).values;
    if (!/^[1-9]\d{0,8}$/.test(seed)) throw new RangeError(`--seed is ${seed}; expected 1 to 999999999.`);
    console.log(`seed ${seed}`);
    return xorshift(Number(seed));
  } catch (problem) {
    console.error(`${name}: ${problem.message}`);
    return process.exit(2);
  }
}

/** Marsaglia's xorshift32. */
function xorshift(seed) {
  let state = Math.imul(seed, 0x9e3779b1); // odd: no seed but 0 comes to 0, and small seeds not to small numbers
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
