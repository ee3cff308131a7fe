/** The version of this code; a test keeps it the same as in package.json and deno.json. */
export const version = "0.1.0";
