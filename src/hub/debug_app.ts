import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";

/** What may be changed while the hub runs. */
export interface DebugOptions {
  /** Says in the log from now on as much as this `--v` would. */
  setVerbosity(verbosity: number): void;
}

const path = "/debug/flags/v";
const maxBytes = 64;

/**
 * `PUT /debug/flags/v` with a number: how much the log says, as kube-apiserver and kubelet have it
 * (k8s.io/apiserver pkg/server/routes/flags.go). Who may ask is decided before it. Without options nothing is there.
 */
export function createDebugApp(options: DebugOptions | undefined): Hono {
  const app = new Hono();
  if (options === undefined) return app;
  const tooLong = bodyLimit({ maxSize: maxBytes, onError: (c) => c.text("the body is too long\n", 413) });
  app.put(path, tooLong, async (c) => {
    const text = (await c.req.text()).trim();
    if (!/^\d{1,9}$/.test(text)) {
      const given = JSON.stringify(text);
      return c.text(`failed set klog.logging.verbosity ${given}: the body must be a whole number\n`, 400);
    }
    options.setVerbosity(Number(text));
    return c.text(`successfully set klog.logging.verbosity to ${text}\n`);
  });
  app.all(path, (c) => c.text("unsupported http method\n", 405, { Allow: "PUT" }));
  return app;
}
