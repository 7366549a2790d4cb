import { beforeEach, describe, expect, it, vi } from "vitest";
import { repeatWhileVisible } from "../src/repeat";

const PACE = { first_ms: 10_000, longest_ms: 40_000 };
const task = vi.fn(async () => {});
let stop = () => {};
let isHidden = false;

beforeEach(() => {
  vi.useFakeTimers();
  isHidden = false;
  vi.spyOn(document, "hidden", "get").mockImplementation(() => isHidden);
  task.mockReset();
  task.mockImplementation(async () => {});
  stop = repeatWhileVisible(task, PACE);
  return () => {
    stop();
    vi.useRealTimers();
  };
});

const pass = (wait_ms: number) => vi.advanceTimersByTimeAsync(wait_ms);

describe("a repeated task", () => {
  it("runs at once, and then after pauses that double up to a limit", async () => {
    const runs: number[] = [];
    task.mockImplementation(async () => {
      runs.push(performance.now());
    });
    const start = performance.now();
    await pass(160_000);

    expect(runs.map((run) => run - start)).toEqual([10_000, 30_000, 70_000, 110_000, 150_000]);
  });

  it("runs more often again once the reader is active", async () => {
    await pass(70_000);
    expect(task).toHaveBeenCalledTimes(4);

    document.body.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    await pass(10_000);

    expect(task).toHaveBeenCalledTimes(5);
  });

  it("pauses while the page is hidden, and runs at once when it is visible again", async () => {
    isHidden = true;
    await pass(3_600_000);
    expect(task).toHaveBeenCalledTimes(1);

    isHidden = false;
    document.dispatchEvent(new Event("visibilitychange"));
    await pass(0);

    expect(task).toHaveBeenCalledTimes(2);
    await pass(10_000);
    expect(task).toHaveBeenCalledTimes(3);
  });

  it("runs once at a time", async () => {
    let finish = () => {};
    task.mockImplementation(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    await pass(0);
    window.dispatchEvent(new Event("focus"));
    window.dispatchEvent(new Event("online"));
    await pass(0);
    expect(task).toHaveBeenCalledTimes(2); // the first, and one for both events

    finish();
    await pass(10_000);

    expect(task).toHaveBeenCalledTimes(3);
    finish();
  });

  it("never runs again once it has been stopped, even if it was running", async () => {
    let finish = () => {};
    task.mockImplementation(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    await pass(0);
    window.dispatchEvent(new Event("focus"));
    stop();
    finish();
    await pass(3_600_000);
    window.dispatchEvent(new Event("focus"));

    expect(task).toHaveBeenCalledTimes(2);
  });
});
