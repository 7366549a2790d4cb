// What time alone changes in the owner's view, as shared/domain/settling.py settles it: reservations and granted tokens
// expire. So the page is right at every second, however late the ledger gets to it.

/** As shared/adapters/firestore/owner_view.py writes it: times in UTC seconds, `due` is what expiry charges. */
export interface Pending {
  reservations?: readonly { amount: number; due: number; expiresAt: number }[];
  /** In the order in which they are spent. */
  expiringTokens?: readonly { amount: number; expiresAt: number }[];
}

export interface Tokens {
  balance: number;
  /** How many of them running jobs have set aside. */
  reserved: number;
  /** When this changes by itself, in milliseconds; Infinity if it doesn't. */
  until: number;
}

const SECOND_MS = 1000;

/** Returns what is left of a balance at a time, in milliseconds. */
export function tokensAt(now: number, balance: number, { reservations = [], expiringTokens = [] }: Pending): Tokens {
  const now_s = Math.floor(now / SECOND_MS);
  const lots = expiringTokens.map((lot) => ({ ...lot }));
  let left = balance;
  // A reservation goes before a lot of the same second: what it charges is taken from the lot, not lost with it.
  const due = [
    ...reservations.map((one) => ({ at: one.expiresAt, order: 0, expire: () => charge(one.due) })),
    ...lots.map((lot) => ({ at: lot.expiresAt, order: 1, expire: () => forfeit(lot) })),
  ];
  for (const one of due.filter(({ at }) => at <= now_s).sort((a, b) => a.at - b.at || a.order - b.order)) one.expire();

  function charge(tokens: number): void {
    left -= tokens;
    let rest = tokens;
    for (const lot of lots) rest -= take(lot, rest);
  }

  function forfeit(lot: { amount: number }): void {
    left -= take(lot, lot.amount);
  }

  function take(lot: { amount: number }, tokens: number): number {
    const taken = Math.min(lot.amount, tokens);
    lot.amount -= taken;
    return taken;
  }

  const later = due.map(({ at }) => at).filter((at) => at > now_s);
  const open = reservations.filter(({ expiresAt }) => expiresAt > now_s);
  return {
    balance: left,
    reserved: open.reduce((sum, { amount }) => sum + amount, 0),
    until: Math.min(...later) * SECOND_MS,
  };
}
