/**
 * Rules that the hub is known to break, so that nearly every seed would fail on them: the tests of the simulation itself do
 * not look at them. `npm run simulate` does.
 */
export const openRules: readonly string[] = ["R5", "R5-offline"];
