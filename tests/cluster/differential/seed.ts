/** What a random test begins with; its name says it, and `HOLDFAST_SEED` gives it again. */
export const SEED: number = Number(process.env["HOLDFAST_SEED"] || Math.floor(Math.random() * 1e9));
