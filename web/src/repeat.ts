// Repeats a request while the page is visible.

export interface Pace {
  /** The pause after the first run, and after the reader has been active. */
  first_ms: number;
  /** Each pause is twice as long as the one before, up to this. */
  longest_ms: number;
  /** The first run comes after a pause, not at once. */
  isPausedFirst?: boolean;
}

const ACTIVITY = ["pointerdown", "keydown"];

/** Runs a task repeatedly, and at once when the reader returns to the page. Returns a function that stops it. */
export function repeatWhileVisible(
  task: () => Promise<void>,
  { first_ms, longest_ms, isPausedFirst }: Pace,
): () => void {
  let pause_ms = first_ms;
  let timer: number | undefined;
  let isRunning = false;
  const ending = new AbortController();

  const run = async () => {
    clearTimeout(timer);
    if (isRunning || document.hidden) return;
    isRunning = true;
    await task();
    isRunning = false;
    if (!ending.signal.aborted) schedule();
  };
  const schedule = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void run(), pause_ms);
    pause_ms = Math.min(2 * pause_ms, longest_ms);
  };
  const onActivity = () => {
    if (pause_ms === first_ms || isRunning) return;
    pause_ms = first_ms;
    schedule();
  };
  const onReturn = () => {
    pause_ms = first_ms;
    void run();
  };

  document.addEventListener("visibilitychange", onReturn, ending);
  for (const event of ["focus", "online"]) window.addEventListener(event, onReturn, ending);
  for (const event of ACTIVITY) window.addEventListener(event, onActivity, { passive: true, signal: ending.signal });
  if (isPausedFirst) schedule();
  else void run();
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}
