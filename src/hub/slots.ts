/** Of the free slots one client may hold so many times as many. */
const shareOfFree = 2;
/** One slot in so many is for system callers. */
const reservedOneIn = 4;

/** Who wants a slot. */
export interface SlotClient {
  readonly name: string;
  /** Whether the node's own work hangs on it. */
  readonly system: boolean;
}

/** Why there is none: all are taken; what is left is for system callers; the client has its share. */
export type SlotRefusal = "full" | "reserved" | "share";

/**
 * A limit on what goes on at once, shared so that no client can shut another out. Nobody waits: who gets no slot is told so.
 *
 * The rule: a quarter of the slots, rounded down, is open to system callers only. A client gets a slot where it holds fewer
 * than twice as many as are free among those that are open to it. What follows, for L slots:
 * - Never more than L are taken, and by those who are not system callers never more than L less the reserved quarter,
 *   however many they are.
 * - One client alone takes two thirds, rounded up, of what is open to it; k clients that take all they can get end with
 *   2/(2k+1) each, and 1/(2k+1) is free for whoever comes next.
 * - A client that holds nothing is refused only where nothing that is open to it is free, and that takes many: k clients
 *   can take everything only where L < 3^k (for 250 slots six, for 2,000 seven). For a client got its last slot while f were
 *   free and holds at most 2f since; of those f the other f-1 went to clients that got theirs later. From the latest back
 *   they hold at most 2, 6, 18, …, together 3^k-1.
 * - While everything is taken, the next slot that comes free goes to who holds fewer than two.
 *
 * With fewer than three slots there is nothing to share out: one client may take all.
 */
export class Slots {
  readonly limit: number;
  readonly #reserved: number;
  readonly #held = new Map<string, number>();
  #taken = 0;
  readonly #refused: Record<SlotRefusal, number> = { full: 0, reserved: 0, share: 0 };

  /** @param limit a whole number of at least 1 */
  constructor(limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`Cannot limit to ${limit} slots`);
    this.limit = limit;
    this.#reserved = Math.floor(limit / reservedOneIn);
  }

  get taken(): number {
    return this.#taken;
  }

  /** Clients that hold any. */
  get clients(): number {
    return this.#held.size;
  }

  /** How often there was none, by why. */
  get refused(): Readonly<Record<SlotRefusal, number>> {
    return this.#refused;
  }

  /** @returns how to give the slot back (once, however often it is called), or why there is none */
  take({ name, system }: SlotClient): (() => void) | SlotRefusal {
    const held = this.#held.get(name) ?? 0;
    const refusal = this.#refusal(held, system);
    if (refusal !== undefined) {
      this.#refused[refusal]++;
      return refusal;
    }
    this.#held.set(name, held + 1);
    this.#taken++;
    let isHeld = true;
    return () => {
      if (isHeld) this.#release(name);
      isHeld = false;
    };
  }

  #refusal(held: number, system: boolean): SlotRefusal | undefined {
    const free = this.limit - this.#taken;
    if (free <= 0) return "full";
    const open = system ? free : free - this.#reserved;
    if (open <= 0) return "reserved";
    return held < shareOfFree * open ? undefined : "share";
  }

  #release(name: string): void {
    this.#taken--;
    const held = (this.#held.get(name) ?? 0) - 1;
    if (held > 0) this.#held.set(name, held);
    else this.#held.delete(name);
  }
}
