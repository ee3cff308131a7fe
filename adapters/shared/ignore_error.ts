/** An `error` listener: without one an `error` event ends the process. Whoever reads or writes learns of it by itself. */
export function ignoreError(): void {}
