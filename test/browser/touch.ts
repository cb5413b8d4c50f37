// Touches of fingers on a page, as the browser gets them from a touch screen.
import type { Page } from "playwright-core";

export type Finger = readonly [x: number, y: number];

/** @returns a function that moves the fingers to these places; each touches the screen when it first appears */
export async function fingersOn(page: Page) {
  const session = await page.context().newCDPSession(page);
  return async (type: "touchStart" | "touchMove" | "touchEnd", ...fingers: readonly Finger[]): Promise<void> => {
    const touchPoints = fingers.map(([x, y], id) => ({ x, y, id }));
    await session.send("Input.dispatchTouchEvent", { type, touchPoints });
  };
}
