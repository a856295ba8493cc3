/** How long the tests take: short enough for CI, or the sizes of the project's goals (`npm run test:board -- --full`). */
export const FULL = process.env.HEAPSOAK_BOARD_TESTS === "full";
