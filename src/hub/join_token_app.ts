import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { parseJoinToken } from "../identity/join_token.ts";

const bodySchema = z.object({ jointoken: z.string() });
const maxBytes = 4096;

/**
 * `POST /v1/token` with `{"jointoken": "…"}`: a hub whose certificate has expired comes back with it. It is kept in memory
 * alone, and shown to nobody. Who may ask is decided before it.
 */
export function createJoinTokenApp(take: ((token: string) => void) | undefined): Hono {
  const app = new Hono();
  const tooLong = bodyLimit({ maxSize: maxBytes, onError: (c) => c.text("the body is too long", 413) });
  app.on(["POST", "PUT"], "/v1/token", tooLong, async (c) => {
    if (take === undefined) {
      return c.text("this hub does not keep its certificate itself: nothing is asked for with a join token", 409);
    }
    const body = bodySchema.safeParse(jsonOf(await c.req.text()));
    if (!body.success) return c.text('could not decode tokens: the body must be {"jointoken": "…"}', 400);
    const { jointoken } = body.data;
    if (jointoken === "") return c.text("no join token is set", 400);
    if (parseJoinToken(jointoken) === undefined) {
      return c.text("the join token must be one as kubeadm token create makes it", 400);
    }
    take(jointoken);
    return c.text("update bootstrap token successfully");
  });
  return app;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no schema takes it
  }
}
