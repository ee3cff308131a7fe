/**
 * Keeps the process alive while it waits: the timers of the real clock do not, and Node's test runner ends a test that
 * only they could go on with.
 */
export async function keepAlive<T>(wait: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 1_000);
  try {
    return await wait;
  } finally {
    clearInterval(timer);
  }
}
