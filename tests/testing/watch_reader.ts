/** One event of a watch as it stood on the wire. */
export interface WatchEvent {
  readonly type: string;
  readonly object: WatchObject;
}

/** What tests look at in an event's object. */
export interface WatchObject {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly metadata: {
    readonly name?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

/** Reads the events of a watch one by one. */
export interface WatchReader {
  /** @throws where the stream has ended or broken */
  next(): Promise<WatchEvent>;
  /** Whether the stream has ended cleanly after the events read so far. */
  ended(): Promise<boolean>;
  close(): Promise<void>;
}

/** Takes the body of a watch's answer. */
export function readWatch(response: Response): WatchReader {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) throw new Error("The answer of the watch has no body");
  let text = "";
  const line = async (): Promise<string | undefined> => {
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += value;
    }
    const end = text.indexOf("\n");
    const first = text.slice(0, end);
    text = text.slice(end + 1);
    return first;
  };
  return {
    next: async () => {
      const event = await line();
      if (event === undefined) throw new Error("The watch has ended");
      // Not checked: an assertion on what is not there fails.
      return JSON.parse(event) as WatchEvent;
    },
    ended: async () => await line() === undefined,
    close: () => reader.cancel(),
  };
}
